package shootout

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/tierceldb/tiercel/bench/crew"
	"github.com/tierceldb/tiercel/bench/stress"
	"github.com/tierceldb/tiercel/bench/wire"
	"github.com/tierceldb/tiercel/bench/workload"
	"github.com/tierceldb/tiercel/txnmgr"
)

// client runs one transaction after the other, a round trip away from the server.
type client struct {
	id     int
	m      *txnmgr.Manager
	wire   *wire.Client
	log    *stress.Log
	rng    *rand.Rand
	xid    string
	value  []byte
	yields bool // nothing else lets other clients have the processor
	shared int

	added, updated int // transactions committed
	conflicts      int // that were tried once more
	timed          time.Duration
	count          int // transactions timed
}

func newClient(id int, s *slice, seed uint64) *client {
	return &client{
		id: id, m: s.m, wire: s.wire.Client(), log: &s.log,
		rng: rand.New(rand.NewPCG(seed, uint64(id))), xid: fmt.Sprintf("client %d", id), value: newValue(),
		yields: s.setup.Clients > 1 && s.setup.RoundTrip == 0, shared: s.opts.Shared,
	}
}

// run repeats op until it is asked to stop. The first transaction is not timed: of
// many clients that begin at the same moment the first to get the lock has not
// waited for the others.
func (c *client) run(op Op, stop *crew.Stop) {
	c.count, c.timed = 0, 0
	c.once(op, stop)
	begun := time.Now()
	for {
		c.once(op, stop)
		c.count++
		if stop.Requested() {
			break
		}
	}
	c.timed = time.Since(begun)
}

// mean is the time of a transaction.
func (c *client) mean() time.Duration { return c.timed / time.Duration(max(c.count, 1)) }

// once runs a transaction until it is committed. Without a network it then lets
// another client have the processor: else some would have had their turn before
// others began.
func (c *client) once(op Op, stop *crew.Stop) {
	for {
		err := c.transaction(op)
		if err == nil {
			break
		}
		if !txnmgr.IsRetryable(err) || c.shared == 0 {
			c.log.Add(stress.UnexpectedError, "client %d, %v: %v", c.id, op, err)
			stop.Request()
			return
		}
		c.conflicts++
		if stop.Requested() {
			return
		}
	}
	if c.yields {
		runtime.Gosched()
	}
}

// transaction is what is measured. Only Options.Locks differs between the setups
// that are compared.
func (c *client) transaction(op Op) error {
	ctx := context.Background()
	tx, err := c.m.Begin(ctx)
	if err != nil {
		return err
	}
	write, done := c.add, &c.added
	if op == Update {
		write, done = c.update, &c.updated
	}
	if err := write(tx); err != nil {
		tx.Rollback()
		return err
	}
	if err := tx.Prepare(ctx, c.xid); err != nil {
		return err
	}
	c.wire.RoundTrip()
	if err := tx.Commit(); err != nil {
		return err
	}
	*done++
	return nil
}

func (c *client) add(tx *txnmgr.Txn) error {
	var key [workload.KeySize]byte
	for i := range ObjectsPerTxn {
		workload.PutKey(&key, number(c.id, ObjectsPerTxn*c.added+i))
		fill(c.value, &key, 0)
		if err := tx.Put(key[:], c.value); err != nil {
			return err
		}
	}
	return nil
}

// update changes what the client added, in turn, or shared objects.
func (c *client) update(tx *txnmgr.Txn) error {
	if c.shared > 0 {
		return c.updateShared(tx)
	}
	turn, first := c.updated/c.added, c.updated%c.added*ObjectsPerTxn
	for i := range ObjectsPerTxn {
		before, err := c.increment(tx, number(c.id, first+i))
		if err != nil {
			return err
		}
		if before != uint64(turn) {
			c.log.Add(stress.OwnRange, "client %d: object %d was updated %d times, but %d times by its only client",
				c.id, first+i, before, turn)
		}
	}
	return nil
}

func (c *client) updateShared(tx *txnmgr.Txn) error {
	for _, object := range c.choose() {
		if _, err := c.increment(tx, number(nobody, object)); err != nil {
			return err
		}
	}
	return nil
}

// choose draws different shared objects, all sets alike, in ascending order.
func (c *client) choose() (chosen [ObjectsPerTxn]int) {
	for i := range chosen {
		object := c.rng.IntN(c.shared - i) // among those that are left
		at := 0
		for ; at < i && object >= chosen[at]; at++ {
			object++
		}
		copy(chosen[at+1:], chosen[at:i])
		chosen[at] = object
	}
	return chosen
}

// increment updates an object and returns how often it was updated before.
func (c *client) increment(tx *txnmgr.Txn, object uint64) (uint64, error) {
	var key [workload.KeySize]byte
	workload.PutKey(&key, object)
	old, err := tx.Get(key[:])
	if err != nil {
		return 0, fmt.Errorf("reading %q: %w", key, err)
	}
	before, err := updatesOf(key[:], old, c.value)
	if err != nil {
		return 0, err
	}
	fill(c.value, &key, before+1)
	return before, tx.Put(key[:], c.value)
}
