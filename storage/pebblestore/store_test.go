package pebblestore_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tierceldb/tiercel/storage"
	"github.com/tierceldb/tiercel/storage/enginetest"
	"github.com/tierceldb/tiercel/storage/pebblestore"
)

func TestEngine(t *testing.T) {
	t.Run("fs=memory", func(t *testing.T) {
		enginetest.Run(t, func(*testing.T) enginetest.Opener {
			fs := vfs.NewMem()
			return func() (storage.Engine, error) {
				return pebblestore.Open("db", pebblestore.Options{FS: fs, MemTableBytes: 64 << 10})
			}
		})
	})
}
