package locking

import (
	"bytes"
	"math/rand/v2"

	"github.com/tierceldb/tiercel/bench/crew"
	"github.com/tierceldb/tiercel/bench/stress"
)

// The numbers of the textbook.
const (
	loops         = 5  // times the records written at first
	deleteEvery   = 37 // loops
	insertEvery   = 11
	replaceEvery  = 17
	fetchesBeside = 10 // of each deletion at the end
)

// worker runs the test on records of its own, and knows what each must hold.
type worker struct {
	id      int
	db      database
	log     *stress.Log
	stop    *crew.Stop
	rng     *rand.Rand
	records []record
	buffer  []byte
	counts  Counts
	grows   bool   // the next replacement is by longer data
	tamper  func() // called when the first records are written
}

// run is the test, with so many records at first.
func (w *worker) run(records int, stop *crew.Stop) {
	w.stop, w.buffer = stop, newBuffer(loops*records/replaceEvery)
	for range records {
		w.insert()
	}
	w.tamper()
	for i := range w.records {
		w.fetch(&w.records[i])
	}
	for i := 1; i <= loops*records && !w.over(); i++ {
		w.loop(i)
	}
	for i := 0; i < len(w.records) && !w.over(); i++ {
		w.remove(&w.records[i])
		for range fetchesBeside {
			w.fetch(w.random(w.records[i:])) // as the book's counts have it, not among those just deleted
		}
	}
}

// over tells whether to give up.
func (w *worker) over() bool { return w.stop.Requested() }

func (w *worker) loop(i int) {
	w.fetch(w.random(w.records))
	if i%deleteEvery == 0 {
		w.remove(w.random(w.records))
	}
	if i%insertEvery == 0 {
		w.insert()
		w.fetch(&w.records[len(w.records)-1])
	}
	if i%replaceEvery == 0 {
		w.replace(w.random(w.records))
	}
}

// random returns one of the records, deleted or not.
func (w *worker) random(among []record) *record { return &among[w.rng.IntN(len(among))] }

// fetch compares a record with what it must hold.
func (w *worker) fetch(r *record) {
	data, err := w.db.fetch(r.key[:])
	switch {
	case err != nil:
		w.failed("fetch", err)
	case r.version == 0:
		w.counts[FetchAbsent]++
		if data != nil {
			w.wrong(r, "was deleted, but holds %q", data)
		}
	default:
		w.counts[FetchFound]++
		if want := r.data(w.buffer); !bytes.Equal(data, want) {
			w.wrong(r, "holds %q, want %q", data, want)
		}
	}
}

// insert stores another record.
func (w *worker) insert() {
	w.records = append(w.records, newRecord(w.id, len(w.records), fewest+w.rng.IntN(spread)))
	r := &w.records[len(w.records)-1]
	stored, err := w.db.insert(r.key[:], r.data(w.buffer))
	w.counts[Insert]++
	switch {
	case err != nil:
		w.failed("insert", err)
	case !stored:
		w.wrong(r, "was there before it was inserted")
	}
}

// replace stores a record anew, in turn by data of the same and of a greater
// length.
func (w *worker) replace(r *record) {
	op, next := ReplaceSame, *r
	if next.version++; w.grows {
		op = ReplaceLonger
		next.length += longer
	}
	w.grows = !w.grows
	stored, err := w.db.replace(r.key[:], next.data(w.buffer))
	if !w.holds(r, "replace", stored, err) {
		w.counts[ReplaceAbsent]++
		return
	}
	w.counts[op]++
	*r = next
}

// remove deletes a record, or finds that it is deleted.
func (w *worker) remove(r *record) {
	removed, err := w.db.remove(r.key[:])
	if !w.holds(r, "delete", removed, err) {
		w.counts[DeleteAbsent]++
		return
	}
	w.counts[DeleteFound]++
	r.version = 0
}

// holds tells whether there is such a record, and compares that with what a call
// found.
func (w *worker) holds(r *record, call string, found bool, err error) bool {
	there := r.version > 0
	if err != nil {
		w.failed(call, err)
	} else if found != there {
		w.wrong(r, "was found by %s: %v; it was stored: %v", call, found, there)
	}
	return there
}

// failed records an error, of which there must not be any, for nobody else changes
// the records. It ends the run.
func (w *worker) failed(call string, err error) {
	w.log.Add(stress.UnexpectedError, "worker %d, %s: %v", w.id, call, err)
	w.stop.Request()
}

// wrong records that a record is not what it must be.
func (w *worker) wrong(r *record, format string, args ...any) {
	w.log.Add(stress.OwnRange, "worker %d: record %q "+format, append([]any{w.id, r.key}, args...)...)
}

// left counts the records that are there.
func (w *worker) left() (n int64) {
	for i := range w.records {
		if w.records[i].version > 0 {
			n++
		}
	}
	return n
}
