package redo_test

import (
	"testing"

	"github.com/tierceldb/tiercel/internal/versus"
	"github.com/tierceldb/tiercel/storage/redo"
)

const (
	objects   = 3
	valueSize = 999
	inGroup   = 64
)

func pairs() (keys, values [][]byte) {
	for i := range objects * inGroup {
		key := make([]byte, 16)
		key[0] = byte(i)
		keys, values = append(keys, key), append(values, make([]byte, valueSize))
	}
	return keys, values
}

// BenchmarkAppend encodes groups of 64 commits, each of 3 objects of 999 bytes,
// beside the limit: a plain append of their keys and values. An operation is one
// commit.
func BenchmarkAppend(b *testing.B) {
	keys, values := pairs()
	var ours, limit []byte
	versus.Run(b, 1.2,
		func(n int) {
			for i := range n {
				first := i % inGroup * objects
				if first == 0 {
					ours = redo.AppendHeader(ours[:0])
				}
				ours = redo.AppendCommit(ours, uint64(1000+i), uint64(1001+i), "", objects)
				for j := first; j < first+objects; j++ {
					ours = redo.AppendPut(ours, keys[j], values[j])
				}
			}
		},
		func(n int) {
			for i := range n {
				first := i % inGroup * objects
				if first == 0 {
					limit = limit[:0]
				}
				for j := first; j < first+objects; j++ {
					limit = append(append(limit, keys[j]...), values[j]...)
				}
			}
		})
}

// BenchmarkRead reads such groups.
func BenchmarkRead(b *testing.B) {
	keys, values := pairs()
	buf := redo.AppendHeader(nil)
	for i := range inGroup {
		buf = redo.AppendCommit(buf, uint64(1000+i), uint64(1001+i), "", objects)
		for j := i * objects; j < (i+1)*objects; j++ {
			buf = redo.AppendPut(buf, keys[j], values[j])
		}
	}
	r := redo.NewReader(nil)
	b.ReportAllocs()
	for b.Loop() {
		r.Reset(buf)
		for {
			if _, err := r.Next(); err != nil {
				break
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*inGroup), "ns/commit")
	b.SetBytes(int64(len(buf)))
}
