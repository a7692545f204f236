package selects

import (
	"fmt"

	"github.com/tierceldb/tiercel/bench/compare/object"
	"github.com/tierceldb/tiercel/bench/compare/peer"
	"github.com/tierceldb/tiercel/bench/crew"
	"github.com/tierceldb/tiercel/bench/workload"
)

// reader selects one object after the other.
type reader struct {
	store   peer.Store
	maker   *object.Maker
	choose  workload.Chooser
	number  uint64
	key     object.Key
	correct bool
	count   int
	err     error
}

func (r *reader) run(stop *crew.Stop) {
	look := r.look
	for !stop.Requested() {
		r.number, r.correct = r.choose.Next(), false
		workload.PutKey(&r.key, r.number)
		if err := r.store.Select(r.key[:], look); err != nil {
			r.fail(stop, err)
			return
		}
		if !r.correct {
			r.fail(stop, fmt.Errorf("object %d has the value of another one", r.number))
			return
		}
		r.count++
	}
}

func (r *reader) look(value []byte) { r.correct = r.maker.Has(r.number, value) }

func (r *reader) fail(stop *crew.Stop, err error) {
	r.err = err
	stop.Request()
}
