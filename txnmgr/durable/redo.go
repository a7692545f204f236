package durable

import (
	"runtime"
	"sync"

	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/storage"
	"github.com/tierceldb/tiercel/storage/redo"
)

// mostRedoers is how many goroutines do writes again, at most: they share what memory
// can take in.
const mostRedoers = 16

// redoers do the writes of many groups again at the same time. Each has some of the
// objects to itself, so that what was written to one is done in the order of the log,
// and nobody waits for a shard of the table.
type redoers []redoer

// redoer does the writes to its objects.
type redoer struct {
	store      *storage.Store
	todo       []redoing
	objects    []*storage.Object // in the table, and not in the ordered index
	superseded int               // versions that were replaced by newer ones
}

// redoing is a write to be done again. Its slices belong to the log.
type redoing struct {
	redo.Write
	ts   uint64
	hash uint64
	done *deps.Write // to be filled in
}

func newRedoers(store *storage.Store) redoers {
	r := make(redoers, min(runtime.GOMAXPROCS(0), mostRedoers))
	for i := range r {
		r[i].store = store
	}
	return r
}

// add gives a write to the one whose object it is: the top bits of the hash choose the
// shard.
func (r redoers) add(w redoing) {
	of := &r[w.hash>>58%uint64(len(r))]
	of.todo = append(of.todo, w)
}

// run returns when all that was added is done.
func (r redoers) run() {
	var all sync.WaitGroup
	for i := range r {
		all.Go(r[i].run)
	}
	all.Wait()
}

// superseded returns how many versions were replaced since it was asked last.
func (r redoers) superseded() (n int) {
	for i := range r {
		n += r[i].superseded
		r[i].superseded = 0
	}
	return n
}

// objects returns the objects that are to enter the ordered index.
func (r redoers) objects() (all []*storage.Object) {
	for i := range r {
		all = append(all, r[i].objects...)
		r[i].objects = nil
	}
	return all
}

func (r *redoer) run() {
	for i := range r.todo {
		r.write(&r.todo[i])
	}
	clear(r.todo)
	r.todo = r.todo[:0]
}

// write makes the version of a write the newest of its object, and the only one.
func (r *redoer) write(w *redoing) {
	o := r.store.Lookup(w.Key, w.hash)
	var v *storage.Version
	switch {
	case w.Delete:
		v = storage.NewTombstone(nil)
	case o == nil:
		o, v = storage.NewWritten(w.Key, w.hash, w.Value, nil)
	default:
		v = storage.NewVersion(w.Value, nil)
	}
	if o == nil {
		o = storage.NewObject(w.Key, w.hash)
	}
	v.Stamp(w.ts)
	if o.Head() != nil {
		r.superseded++
	}
	o.Replace(v)
	if o.IsFresh() {
		r.store.Enter(o)
		r.objects = append(r.objects, o)
	}
	w.done.Object, w.done.Version = o, v
}
