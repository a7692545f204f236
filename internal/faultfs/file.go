package faultfs

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"syscall"

	"github.com/tierceldb/tiercel/internal/fsys"
)

// node is a file, whatever its names.
type node struct {
	now     []byte  // as seen by everybody
	disk    []byte  // as of the last sync
	pending []write // since then, in order
}

// write is a change of a file.
type write struct {
	at   int64
	data []byte
}

func (w write) end() int64 { return w.at + int64(len(w.data)) }

// apply writes into a file that may become longer by it.
func (w write) apply(to []byte) []byte {
	if short := w.end() - int64(len(to)); short > 0 {
		to = append(to, make([]byte, short)...)
	}
	copy(to[w.at:], w.data)
	return to
}

// change writes to the file, for now only to what is seen.
func (n *node) change(w write) {
	n.now = w.apply(n.now)
	n.pending = append(n.pending, w)
}

// sync writes to the disk.
func (n *node) sync() {
	for _, w := range n.pending {
		n.disk = w.apply(n.disk)
	}
	n.pending = nil
}

// lose is a sync that failed.
func (n *node) lose() { n.pending = nil }

// crashed returns what may be on the disk after a crash.
func (n *node) crashed(dice *rand.Rand) *node {
	block := int64([]int{512, 4096}[dice.IntN(2)])
	keep := []float64{0, 0.5, 0.9, 1}[dice.IntN(4)]
	disk := slices.Clone(n.disk)
	for at := int64(0); at < int64(len(n.now)); at += block {
		disk = n.crashedBlock(disk, at, block, keep, dice)
	}
	return &node{now: disk, disk: slices.Clone(disk)}
}

// crashedBlock settles what one block holds: it was written after any of the
// pending writes, or never, and perhaps only halfway.
func (n *node) crashedBlock(disk []byte, at, size int64, keep float64, dice *rand.Rand) []byte {
	touching := n.touching(at, at+size)
	if len(touching) == 0 {
		return disk
	}
	before := dice.IntN(len(touching) + 1)
	if dice.Float64() < keep {
		before = len(touching)
	}
	limit := size
	if dice.IntN(4) == 0 {
		limit = dice.Int64N(size + 1)
	}
	for _, w := range touching[:before] {
		disk = w.cut(at, at+limit).apply(disk)
	}
	if before > 0 && limit < size {
		for _, w := range touching[:dice.IntN(before)] {
			disk = w.cut(at+limit, at+size).apply(disk)
		}
	}
	return disk
}

// touching returns the pending writes to a part of the file.
func (n *node) touching(from, to int64) []write {
	var found []write
	for _, w := range n.pending {
		if w.at < to && w.end() > from {
			found = append(found, w)
		}
	}
	return found
}

// cut is the part of a write that falls between two positions.
func (w write) cut(from, to int64) write {
	from, to = max(from, w.at), min(to, w.end())
	if from >= to {
		return write{}
	}
	return write{at: from, data: w.data[from-w.at : to-w.at]}
}

// file is an open file.
type file struct {
	fs   *FS
	node *node
	name string
}

// ReadAt reads what is visible.
func (f *file) ReadAt(b []byte, at int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if at >= int64(len(f.node.now)) {
		return 0, io.EOF
	}
	n := copy(b, f.node.now[at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// Size is the visible one.
func (f *file) Size() (int64, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	return int64(len(f.node.now)), nil
}

// Close has nothing to do.
func (f *file) Close() error { return nil }

// WriteAt fails where the room ends, or Fail says so.
func (f *file) WriteAt(b []byte, at int64) (int, error) {
	n := 0
	return n, f.fs.do(Write, f.name, func(err error) error {
		n = len(b)
		if err == nil {
			err = f.fs.take(at + int64(len(b)) - int64(len(f.node.now)))
		}
		if err != nil {
			n = min(n, wroteBefore(err))
		}
		f.node.change(write{at: at, data: slices.Clone(b[:n])})
		return err
	})
}

// direct is a file that is open for whole blocks.
type direct struct{ fsys.File }

// WriteAt fails if it is given something else.
func (f direct) WriteAt(b []byte, at int64) (int, error) {
	if !fsys.AreBlocks(b, at) {
		return 0, fmt.Errorf("faultfs: %d bytes to %d from %p are not whole blocks: %w", len(b), at, b, syscall.EINVAL)
	}
	return f.File.WriteAt(b, at)
}

// Allocate fails where the room ends, or Fail says so.
func (f *file) Allocate(size int64) error {
	return f.fs.do(Allocate, f.name, func(err error) error {
		if len(f.node.now) > 0 {
			return fmt.Errorf("faultfs: %s is not empty", f.name)
		}
		if err == nil {
			err = f.fs.take(size)
		}
		if err == nil {
			f.node.change(write{data: make([]byte, size)})
		}
		return err
	})
}

// Datasync writes what is pending, or loses it if Fail says so.
func (f *file) Datasync() error {
	return f.fs.do(Datasync, f.name, func(err error) error {
		if err != nil {
			f.node.lose()
		} else {
			f.node.sync()
		}
		return err
	})
}
