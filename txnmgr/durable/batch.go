package durable

import (
	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/storage"
)

// batch is what is applied at once.
type batch struct {
	changes []storage.Change
	objects []written // of the changes, in the same order
	at      map[*storage.Object]int
	upTo    uint64 // timestamp of the last record
	whole   bool   // that record ends a group
	bytes   int    // of the changes, about
	room    int64  // that the records took in the log
}

// written is an object in a batch.
type written struct {
	object  *storage.Object
	version *storage.Version // the newest in the batch
	oldest  uint64           // timestamp of the oldest one
}

// keptChanges is how many changes a batch keeps room for.
const keptChanges = 1 << 16

func (b *batch) reset() {
	if cap(b.changes) > keptChanges {
		*b = batch{}
	}
	clear(b.changes)
	clear(b.objects)
	clear(b.at)
	*b = batch{changes: b.changes[:0], objects: b.objects[:0], at: b.at}
	if b.at == nil {
		b.at = make(map[*storage.Object]int)
	}
}

// add adds a record, which is younger than those before it.
func (b *batch) add(r *deps.Record) {
	for i := range r.Writes {
		b.write(&r.Writes[i])
	}
	b.upTo, b.whole = r.CommitTS(), r.EndsGroup()
	b.room += r.Room
}

func (b *batch) write(w *deps.Write) {
	ts := w.Version.CommitTS()
	c := storage.Change{Key: w.Object.Key(), TS: ts, Delete: w.Version.Tombstone()}
	if !c.Delete {
		c.Value = w.Version.Value()
	}
	b.bytes += len(c.Key) + len(c.Value)
	if i, again := b.at[w.Object]; again {
		b.bytes -= len(b.changes[i].Key) + len(b.changes[i].Value)
		b.changes[i], b.objects[i].version = c, w.Version
		return
	}
	b.at[w.Object] = len(b.changes)
	b.changes = append(b.changes, c)
	b.objects = append(b.objects, written{object: w.Object, version: w.Version, oldest: ts})
}
