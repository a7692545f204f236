// Package disk gives every store a folder of its own on the disk that is measured,
// and takes it away again.
package disk

import (
	"os"
	"runtime"
	"time"

	"github.com/tierceldb/tiercel/bench/workload"
)

// Folder is where the stores of a run have their folders.
type Folder struct{ path string }

// Make makes a folder in another one.
func Make(in string) (Folder, error) {
	path, err := os.MkdirTemp(in, "compare-")
	return Folder{path}, err
}

// InMemory reports whether the folder is on no disk. Then a sync costs nothing, and
// the figures mean nothing.
func (f Folder) InMemory() bool { return inMemory(f.path) }

// Remove removes it with all that is in it.
func (f Folder) Remove() error { return os.RemoveAll(f.path) }

// New makes an empty folder for a store.
func (f Folder) New(store string) (string, error) { return os.MkdirTemp(f.path, store+"-") }

const (
	// look is how long the process is watched before it is called idle.
	look = 50 * time.Millisecond
	// looks is how often, at most.
	looks = 600
	// idle is how much processor time an idle process may take meanwhile.
	idle = look / 20
)

// Settle waits until nothing is left to be done of what ran before: it is not to be
// paid for by what runs next. What a store does behind the scenes ends by itself.
func Settle() {
	for range looks {
		before := workload.ProcessCPU()
		time.Sleep(look)
		if workload.ProcessCPU().Minus(before).Total() < idle {
			break
		}
	}
	runtime.GC()
	flush()
}
