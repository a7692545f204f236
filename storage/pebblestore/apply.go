package pebblestore

import (
	"fmt"
	"math"

	"github.com/cockroachdb/pebble/v2"

	"github.com/tierceldb/tiercel/storage"
)

// maxBatchBytes is what Pebble can apply at once on every machine.
const maxBatchBytes = math.MaxInt32

// overheadBytes is what a change takes in a batch beyond its key and value: its
// kind, two lengths, the prefix of the key and the timestamp.
const overheadBytes = 1 + 2*5 + 1 + stampBytes

// Apply puts the changes where Load finds them. It waits while too much is in memory
// that could not be written yet; Close ends that with ErrClosed.
func (s *Store) Apply(changes []storage.Change, mark storage.Mark) error {
	s.calls.RLock()
	defer s.calls.RUnlock()
	size, err := batchBytes(changes)
	if err == nil {
		err = s.room()
	}
	if err == nil {
		err = s.commit(changes, numbered{mark, s.applies.Load() + 1}, size)
	}
	if err != nil {
		return err
	}
	number := s.applies.Inc() // first, for who sees the mark may call Sync
	s.mark.Store(&mark)
	s.backlog.add(number, uint64(size+len(changes)*nodeBytes))
	return nil
}

func batchBytes(changes []storage.Change) (int, error) {
	size := uint64(64 + markBytes)
	for i := range changes {
		size += uint64(len(changes[i].Key)) + uint64(len(changes[i].Value)) + overheadBytes
	}
	if size > maxBatchBytes {
		return 0, fmt.Errorf("%w: %d bytes", ErrTooLarge, size)
	}
	return int(size), nil
}

// commit hands the changes to Pebble, encoded where it keeps them.
func (s *Store) commit(changes []storage.Change, mark numbered, size int) error {
	batch := s.db.NewBatchWithSize(size)
	for i := range changes {
		put(batch, &changes[i])
	}
	op := batch.SetDeferred(1, markBytes)
	op.Key[0] = markByte
	mark.put(op.Value)
	if err := op.Finish(); err != nil {
		return err
	}
	if err := s.publish(batch, size+len(changes)*maxNodeBytes); err != nil {
		return fmt.Errorf("pebblestore: apply: %w", err)
	}
	if err := batch.Close(); err != nil {
		return fmt.Errorf("pebblestore: apply: %w", err)
	}
	return s.guard.err()
}

// maxNodeBytes is the most that a memtable takes for a change besides what a batch
// does.
const maxNodeBytes = 256

// publish makes a batch visible. In Pebble that is a step of its own, after the
// batch is in a memtable. If the memtable is written to a table between the two,
// each key is left with the newest version, which nobody sees yet, and a reader finds
// what is below it, older than what it may have found before.
//
// So no flush begins here: a batch only goes into a memtable that is not being
// written yet, and flush is kept out. Except for a batch that takes more than half a
// memtable, which Pebble flushes as a memtable of its own; then a snapshot makes the
// flush keep the versions that are visible now.
func (s *Store) publish(batch *pebble.Batch, most int) error {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	if uint64(most) > s.options.MemTableBytes/4 {
		snapshot := s.db.NewSnapshot()
		defer s.events.worked() // the sampler has something to do
		defer s.sampler.close(snapshot)
	}
	return s.db.Apply(batch, pebble.NoSync)
}

// flush begins to write everything to tables.
func (s *Store) flush() (<-chan struct{}, error) {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	return s.db.AsyncFlush()
}

// put adds a change. Finish only fails for batches that can be read, and this is
// none.
func put(batch *pebble.Batch, c *storage.Change) {
	if c.Delete {
		op := batch.DeleteDeferred(1 + len(c.Key))
		op.Key[0] = dataByte
		copy(op.Key[1:], c.Key)
		_ = op.Finish()
		return
	}
	op := batch.SetDeferred(1+len(c.Key), stampBytes+len(c.Value))
	op.Key[0] = dataByte
	copy(op.Key[1:], c.Key)
	putValue(op.Value, c.Value, c.TS)
	_ = op.Finish()
}

// usable returns why nothing can be applied or synced.
func (s *Store) usable() error {
	if s.closed.Load() {
		return ErrClosed
	}
	return s.guard.err()
}
