package durable

import (
	"bytes"
	"slices"

	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/storage"
)

// batch is what is applied in one go: the newest versions up to some timestamp.
type batch struct {
	objects []written
	changes []storage.Change // of a part of them
	at      map[*storage.Object]int
	upTo    uint64 // timestamp of the last record
	bytes   int    // of the objects in memory, about
	weight  int64  // of the records
}

// written is an object in a batch.
type written struct {
	object  *storage.Object
	version *storage.Version // the newest in the batch
	oldest  uint64           // timestamp of the oldest one
}

// keptObjects is how many objects a batch keeps room for.
const keptObjects = 1 << 16

// reset empties the batch, and lets go of what was in it.
func (b *batch) reset() {
	if cap(b.objects) > keptObjects {
		*b = batch{}
	}
	clear(b.objects)
	clear(b.at)
	*b = batch{objects: b.objects[:0], changes: b.changes, at: b.at}
	if b.at == nil {
		b.at = make(map[*storage.Object]int)
	}
}

// add adds a record, which is younger than those before it.
func (b *batch) add(r *deps.Record) {
	for i := range r.Writes {
		b.write(&r.Writes[i])
	}
	b.upTo = r.CommitTS()
	b.weight += weight(r)
}

func (b *batch) write(w *deps.Write) {
	if i, again := b.at[w.Object]; again {
		b.bytes += len(w.Version.Value()) - len(b.objects[i].version.Value())
		b.objects[i].version = w.Version
		return
	}
	b.bytes += len(w.Object.Key()) + len(w.Version.Value()) + heldBytes
	b.at[w.Object] = len(b.objects)
	b.objects = append(b.objects, written{object: w.Object, version: w.Version, oldest: w.Version.CommitTS()})
}

// sort puts the objects in key order: what the engine then writes at a time lies
// close together.
func (b *batch) sort() {
	slices.SortFunc(b.objects, func(x, y written) int { return bytes.Compare(x.object.Key(), y.object.Key()) })
}

// parts calls fn with the changes in parts of about size bytes; last says that it is
// the last one.
func (b *batch) parts(size int, fn func(changes []storage.Change, last bool) error) error {
	b.changes = b.changes[:0]
	defer func() { clear(b.changes[:cap(b.changes)]) }()
	n := 0
	for i := range b.objects {
		c := b.objects[i].change()
		b.changes = append(b.changes, c)
		n += len(c.Key) + len(c.Value)
		if last := i == len(b.objects)-1; last || n >= size {
			if err := fn(b.changes, last); err != nil {
				return err
			}
			b.changes, n = b.changes[:0], 0
		}
	}
	return nil
}

func (w *written) change() storage.Change {
	c := storage.Change{Key: w.object.Key(), TS: w.version.CommitTS(), Delete: w.version.Tombstone()}
	if !c.Delete {
		c.Value = w.version.Value()
	}
	return c
}
