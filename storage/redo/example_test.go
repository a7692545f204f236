package redo_test

import (
	"fmt"
	"io"

	"github.com/tierceldb/tiercel/storage/redo"
)

// Two commits are encoded, and read back.
func Example() {
	buf := redo.AppendHeader(nil)
	buf = redo.AppendCommit(buf, 0, 41, "", 2)
	buf = redo.AppendPut(buf, []byte("apple"), []byte("green"))
	buf = redo.AppendDelete(buf, []byte("pear"))
	buf = redo.AppendCommit(buf, 41, 42, "", 1)
	buf = redo.AppendPut(buf, []byte("apple"), []byte("red"))

	for r := redo.NewReader(buf); ; {
		record, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, w := range record.Writes {
			fmt.Printf("%v at %d: %s = %q, deleted: %v\n", record.Kind, record.TS, w.Key, w.Value, w.Delete)
		}
	}
	// Output:
	// commit at 41: apple = "green", deleted: false
	// commit at 41: pear = "", deleted: true
	// commit at 42: apple = "red", deleted: false
}
