package shootout

import (
	"context"

	"github.com/tierceldb/tiercel/bench/stress"
	"github.com/tierceldb/tiercel/bench/workload"
	"github.com/tierceldb/tiercel/txnmgr"
)

// verify compares all that is stored with what the clients were told is committed,
// and looks at what the transactions left behind.
func (s *slice) verify() {
	want := s.opts.Shared
	for _, c := range s.clients {
		want += ObjectsPerTxn * c.added
	}
	found := 0
	err := s.m.View(context.Background(), func(tx txnmgr.ReadTxn) error {
		found = s.verifyObjects(tx)
		return tx.Err()
	})
	if err != nil {
		s.log.Add(stress.UnexpectedError, "reading all objects: %v", err)
		return
	}
	if found != want {
		s.log.Add(stress.OwnRange, "%d objects are stored, want %d", found, want)
	}
	if left := s.m.Prepared(); len(left) > 0 {
		s.log.Add(stress.NothingActive, "%d transactions are prepared, %q among them; all have been finished", len(left), left[0].XID)
	}
	s.log.Settle(s.m, int64(found), s.setup.Clients+1)
}

// verifyObjects checks every object and returns how many there are.
func (s *slice) verifyObjects(tx txnmgr.ReadTxn) (found int) {
	model, shared := newValue(), uint64(0)
	for key, value := range tx.Scan(nil, nil) {
		found++
		updates, err := updatesOf(key, value, model)
		if err != nil || len(key) != workload.KeySize {
			s.log.Add(stress.OwnRange, "%q: %v", key, err)
			continue
		}
		owner, object := owned(key)
		switch {
		case owner == nobody:
			shared += updates
		case owner >= len(s.clients):
			s.log.Add(stress.OwnRange, "%q belongs to no client", key)
		case updates != s.clients[owner].updatesOf(object):
			s.log.Add(stress.LostUpdate, "object %d of client %d was updated %d times, want %d",
				object, owner, updates, s.clients[owner].updatesOf(object))
		}
	}
	s.verifyShared(shared)
	return found
}

// updatesOf returns how often the client updated an object of its own.
func (c *client) updatesOf(object int) uint64 {
	if c.shared > 0 || c.added == 0 {
		return 0
	}
	times := c.updated / c.added
	if object/ObjectsPerTxn < c.updated%c.added {
		times++
	}
	return uint64(times)
}

// verifyShared compares the updates of the shared objects with those committed.
func (s *slice) verifyShared(updates uint64) {
	want := uint64(0)
	for _, c := range s.clients {
		if s.opts.Shared > 0 {
			want += uint64(ObjectsPerTxn * c.updated)
		}
	}
	if updates != want {
		s.log.Add(stress.LostUpdate, "shared objects were updated %d times, want %d", updates, want)
	}
}
