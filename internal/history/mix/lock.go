package mix

import (
	"time"

	"github.com/tierceldb/tiercel/internal/history"
)

// Locker is a Writer that can lock keys.
type Locker interface {
	Lock(key []byte, l Lock) error
	GetForUpdate(key []byte, l Lock) ([]byte, error)
}

// Lock says how a key is to be locked.
type Lock struct {
	Mode Mode
	// Patience is how long to wait: 0 is for ever, and less is not at all.
	Patience time.Duration
}

// Mode is the mode of a lock. Each keeps out what those before it keep out.
type Mode int

// The modes.
const (
	KeyShare Mode = iota
	Share
	NoKeyUpdate
	Update
	numModes
)

// drawLock draws how to lock. Most wait, as long as it takes.
func (t *txn) drawLock() Lock {
	l := Lock{Mode: Mode(t.rng.IntN(int(numModes)))}
	switch {
	case t.chance(15):
		l.Patience = -1
	case t.chance(15):
		l.Patience = time.Duration(1+t.rng.IntN(300)) * time.Microsecond
	}
	return l
}

// locker returns the writer as one that locks, nil if it does not, or should not now.
func (t *txn) locker() Locker {
	if t.idle {
		return nil
	}
	l, _ := t.writer.(Locker)
	return l
}

// lockFirst locks some keys before the transaction has seen anything, so that it sees
// the newest of them.
func (t *txn) lockFirst() {
	if t.locker() == nil || !t.chance(t.opts.Locks) {
		return
	}
	for range 1 + t.rng.IntN(2) {
		if !t.abandoned {
			t.lock(history.Key(t.rng.IntN(t.opts.Keys)))
		}
	}
}

// lock locks a key, and perhaps reads it.
func (t *txn) lock(k history.Key) {
	l := t.drawLock()
	if t.chance(30) {
		l.Mode = Update
		val, err := t.locker().GetForUpdate(t.keys[k], l)
		switch {
		case err == nil:
			t.saw("get for update", k, val)
		case t.store.Judge(err) == NotFound:
			t.pending.Read(k, 0)
			err = nil
		}
		t.locked("get for update", k, l, err)
		return
	}
	t.locked("lock", k, l, t.locker().Lock(t.keys[k], l))
}

// locked takes note of what came of a lock.
func (t *txn) locked(call string, k history.Key, l Lock, err error) {
	if err == nil {
		t.hold(k, l.Mode)
		return
	}
	switch t.store.Judge(err) {
	case Locked:
		if l.Patience == 0 {
			t.fault(t.pending.ID(), "%s: %v, although it should wait", call, err)
		}
	case Conflict: // changed since the snapshot; it may go on without the lock
		t.abandoned = t.chance(50)
	case Deadlock:
		t.abandoned, t.cause = true, err
	default:
		t.failed(call, err)
	}
}

// hold takes note of a lock. A key share keeps nobody from changing the value.
func (t *txn) hold(k history.Key, mode Mode) {
	if mode == KeyShare {
		return
	}
	if t.held == nil {
		t.held = map[history.Key]bool{}
	}
	t.held[k] = true
}

// use takes note that a key is read or written. A transaction that did so only with
// keys that it had locked cannot lose a conflict at its commit.
func (t *txn) use(k history.Key) {
	if !t.held[k] {
		t.exposed = true
	}
}
