package selects

import (
	"context"
	"errors"

	"github.com/tierceldb/tiercel/bench/compare/object"
	"github.com/tierceldb/tiercel/bench/compare/peer"
	"github.com/tierceldb/tiercel/bench/crew"
)

const (
	loaders    = 8
	loadAtOnce = 64 << 10 // bytes of a transaction, about
)

// store makes a store with the data in a folder, lets it come to rest, and closes it.
func (t *trial) store(ctx context.Context, c peer.Contestant, dir string) error {
	s, err := c.Open(peer.Config{Dir: dir, Clients: loaders, CacheBytes: t.opts.CacheBytes})
	if err != nil {
		return err
	}
	var errs [loaders]error
	crew.Run(ctx, crew.Plan{Goroutines: loaders}, func(id int, stop *crew.Stop) {
		errs[id] = t.load(s, id, stop)
	})
	if err := errors.Join(errs[:]...); err != nil {
		return errors.Join(err, s.Close())
	}
	// What is opened next is to read, not to go on with what was left.
	return errors.Join(s.Rest(), s.Close())
}

// load stores the part of the data that one of the loaders has.
func (t *trial) load(s peer.Store, id int, stop *crew.Stop) error {
	var key object.Key
	value := make([]byte, t.maker.Size())
	atOnce := max(1, loadAtOnce/len(value))
	end := t.objects * (id + 1) / loaders
	for first := t.objects * id / loaders; first < end && !stop.Requested(); first += atOnce {
		err := s.Update(func(tx peer.Tx) error {
			for n := first; n < min(first+atOnce, end); n++ {
				t.maker.Fill(&key, value, uint64(n), 0)
				if err := tx.Put(key[:], value); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
