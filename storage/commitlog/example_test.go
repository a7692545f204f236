package commitlog_test

import (
	"fmt"
	"log"
	"os"

	"github.com/tierceldb/tiercel/internal/fsys"
	"github.com/tierceldb/tiercel/storage/commitlog"
)

// A log is opened, replayed, and appended to.
func Example() {
	dir, err := os.MkdirTemp("", "commitlog")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	for life := range uint64(2) {
		l, err := commitlog.Open(fsys.OS(), dir, commitlog.Options{SegmentBytes: 1 << 20})
		if err != nil {
			log.Fatal(err)
		}
		err = l.Replay(0, func(groups []commitlog.Frame) error {
			for _, f := range groups {
				fmt.Printf("%d to %d: %s\n", f.First, f.Last, f.Payload)
			}
			return nil
		}, nil)
		if err != nil {
			log.Fatal(err)
		}

		group := commitlog.Frame{First: l.Last() + 1, Last: l.Last() + 3, Payload: fmt.Appendf(nil, "of life %d", life)}
		room := commitlog.Need(len(group.Payload))
		if err := l.Reserve(room); err != nil { // a full disk shows here
			log.Fatal(err)
		}
		if err := l.Append(group); err != nil {
			log.Fatal(err)
		}
		l.Release(room)
		if err := l.Close(); err != nil {
			log.Fatal(err)
		}
	}

	report, err := commitlog.Verify(fsys.OS(), dir)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Frames, "groups,", len(report.Errors), "errors")
	// Output:
	// 1 to 3: of life 0
	// 2 groups, 0 errors
}
