package commits

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tierceldb/tiercel/bench/compare/object"
	"github.com/tierceldb/tiercel/bench/compare/peer"
	"github.com/tierceldb/tiercel/bench/crew"
)

// Client commits one transaction after the other.
type Client struct {
	id    int
	store peer.Store
	maker *object.Maker
	rng   *rand.Rand

	updates []uint32 // of each group of objects in the client's part of the set
	added   int      // transactions that added

	group int // what the transaction that runs works on
	key   object.Key
	value []byte
	add   func(peer.Tx) error
	set   func(peer.Tx) error

	times *hdrhistogram.Histogram // of transactions, in nanoseconds
	count int
	err   error
}

// NewClient returns a client with so many groups of objects in the fixed set.
func NewClient(id int, store peer.Store, maker *object.Maker, groups int, seed uint64) *Client {
	c := &Client{
		id: id, store: store, maker: maker, rng: rand.New(rand.NewPCG(seed, uint64(id)+1)),
		updates: make([]uint32, groups), value: make([]byte, maker.Size()),
	}
	c.add, c.set = c.addGroup, c.updateGroup
	c.forget()
	return c
}

// forget begins to count and to time anew.
func (c *Client) forget() {
	c.times, c.count = hdrhistogram.New(1000, int64(time.Minute), 2), 0
}

// Count returns how many transactions were committed, and the error that was the end
// of Run, or nil.
func (c *Client) Count() (int, error) { return c.count, c.err }

// Number returns the number of an object of a client. The fixed set is the first
// ones; what is added comes far behind.
func Number(client, i int) uint64 { return uint64(client)<<32 | uint64(i) }

func (c *Client) number(group, i int) uint64 { return Number(c.id, group*ObjectsPerTxn+i) }

const firstAdded = 1 << 29 // groups

// Run repeats op until it is asked to stop, or fails, which asks the others to.
func (c *Client) Run(op Op, stop *crew.Stop) {
	for c.err == nil && !stop.Requested() {
		begun := time.Now()
		c.err = c.once(op)
		c.times.RecordValue(min(int64(time.Since(begun)), int64(time.Minute)))
		c.count++
	}
	if c.err != nil {
		stop.Request()
	}
}

// once commits one transaction.
func (c *Client) once(op Op) error {
	if op == Add {
		c.group = firstAdded + c.added
		c.added++
		return c.store.Update(c.add)
	}
	c.group = c.rng.IntN(len(c.updates))
	if err := c.store.Update(c.set); err != nil {
		return err
	}
	c.updates[c.group]++
	return nil
}

// addGroup puts new objects. It may run twice for one transaction.
func (c *Client) addGroup(tx peer.Tx) error {
	for i := range ObjectsPerTxn {
		c.maker.Fill(&c.key, c.value, c.number(c.group, i), 0)
		if err := tx.Put(c.key[:], c.value); err != nil {
			return err
		}
	}
	return nil
}

// updateGroup changes objects of the fixed set. It may run twice too.
func (c *Client) updateGroup(tx peer.Tx) error {
	for i := range ObjectsPerTxn {
		number := c.number(c.group, i)
		c.maker.Fill(&c.key, c.value, number, uint64(c.updates[c.group])+1)
		old, err := tx.Get(c.key[:])
		if err == nil {
			err = c.check(number, old)
		} else if errors.Is(err, peer.ErrNoObjects) {
			err = nil
		}
		if err != nil {
			return err
		}
		if err := tx.Put(c.key[:], c.value); err != nil {
			return err
		}
	}
	return nil
}

// check compares a value of the group with what the client knows it must be.
func (c *Client) check(number uint64, value []byte) error {
	updates, err := c.maker.Updates(number, value)
	if err == nil && updates != uint64(c.updates[c.group]) {
		err = fmt.Errorf("object %d was updated %d times, but %d times by its only client", number, updates, c.updates[c.group])
	}
	return err
}

// Fill puts the client's part of the fixed set into the store, many objects a
// transaction.
func (c *Client) Fill() error {
	const atOnce = 50
	for first := 0; first < len(c.updates); first += atOnce {
		last := min(first+atOnce, len(c.updates))
		err := c.store.Update(func(tx peer.Tx) error {
			for c.group = first; c.group < last; c.group++ {
				if err := c.addGroup(tx); err != nil {
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

// verify reads the objects of the client's last transactions back.
func (c *Client) verify(op Op) error {
	const last = 10
	for n := range last {
		c.group = n % len(c.updates)
		if op == Add {
			if c.group = firstAdded + c.added - 1 - n; c.group < firstAdded {
				return nil
			}
		}
		for i := range ObjectsPerTxn {
			if err := c.verifyObject(op, c.number(c.group, i)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Client) verifyObject(op Op, number uint64) error {
	var wrong error
	c.maker.Fill(&c.key, c.value, number, 0)
	err := c.store.Select(c.key[:], func(value []byte) {
		if op == Add {
			_, wrong = c.maker.Updates(number, value)
		} else {
			wrong = c.check(number, value)
		}
	})
	return errors.Join(err, wrong)
}
