package memstore_test

import (
	"testing"

	"github.com/tierceldb/tiercel/storage"
	"github.com/tierceldb/tiercel/storage/enginetest"
	"github.com/tierceldb/tiercel/storage/memstore"
)

func TestEngine(t *testing.T) {
	for name, every := range map[string]int{"every=1": 0, "every=7": 7, "every=never": -1} {
		t.Run(name, func(t *testing.T) {
			enginetest.Run(t, func(*testing.T) enginetest.Opener {
				var last *memstore.Store
				return func() (storage.Engine, error) {
					if last == nil {
						last = memstore.Open(memstore.Options{PersistEvery: every})
					} else {
						last = last.Crash()
					}
					return last, nil
				}
			})
		})
	}
}
