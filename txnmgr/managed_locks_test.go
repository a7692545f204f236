package txnmgr_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tierceldb/tiercel/internal/script"
	"github.com/tierceldb/tiercel/txnmgr"
)

// What of locks and of prepared transactions scripts see of a Manager.

// modes lists all modes of locks, the weakest first.
func modes() []txnmgr.LockMode {
	return []txnmgr.LockMode{txnmgr.ForKeyShare, txnmgr.ForShare, txnmgr.ForNoKeyUpdate, txnmgr.ForUpdate}
}

// lockArguments returns what Txn.Lock is to be called with for a lock step.
func lockArguments(l script.Lock) (txnmgr.LockMode, []txnmgr.LockOption) {
	i := slices.IndexFunc(modes(), func(m txnmgr.LockMode) bool { return m.String() == l.Mode })
	switch l.Patience {
	case script.NoWait:
		return modes()[i], []txnmgr.LockOption{txnmgr.NoWait}
	case script.SkipLocked:
		return modes()[i], []txnmgr.LockOption{txnmgr.SkipLocked}
	case script.UntilTimeout:
		return modes()[i], []txnmgr.LockOption{txnmgr.LockTimeout(l.Timeout)}
	}
	return modes()[i], nil
}

func (w *scriptWriter) Lock(ctx context.Context, key string, l script.Lock) error {
	mode, opts := lockArguments(l)
	return w.Txn.Lock(ctx, []byte(key), mode, opts...)
}

func (w *scriptWriter) GetForUpdate(ctx context.Context, key string, l script.Lock) (string, error) {
	_, opts := lockArguments(l)
	value, err := w.Txn.GetForUpdate(ctx, []byte(key), opts...)
	return string(value), err
}

func (w *scriptWriter) Prepare(ctx context.Context, xid string, limit time.Duration) error {
	if limit == 0 {
		return w.Txn.Prepare(ctx, xid)
	}
	return w.Txn.Prepare(ctx, xid, txnmgr.WithLimit(limit))
}

func (s managedStore) CommitPrepared(xid string) error {
	return s.m.CommitPrepared(context.Background(), xid)
}

func (s managedStore) RollbackPrepared(xid string) error {
	return s.m.RollbackPrepared(context.Background(), xid)
}

// Prepared writes "x=t1(a b), y=t2(c) within 1s", by xid.
func (s managedStore) Prepared() string {
	var words []string
	for _, p := range s.m.Prepared() {
		var keys []string
		for _, key := range p.Keys {
			keys = append(keys, string(key))
		}
		word := fmt.Sprintf("%s=%s(%s)", p.XID, p.Label, strings.Join(keys, " "))
		if p.Limit > 0 {
			word += fmt.Sprintf(" within %v", p.Limit)
		}
		words = append(words, word)
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}

// Locks writes "a: t1 (share), t2 (share); t3 (update) waits; b: ...".
func (s managedStore) Locks() string {
	var all []string
	for _, info := range s.m.Locks() {
		all = append(all, string(info.Key)+": "+holders(info.Holders))
		var queue []string
		for _, w := range info.Queue {
			queue = append(queue, fmt.Sprintf("%s (%v)", w.Label, w.Mode))
		}
		switch len(queue) {
		case 0:
		case 1:
			all = append(all, queue[0]+" waits")
		default:
			all = append(all, strings.Join(queue, ", ")+" wait")
		}
	}
	return strings.Join(all, "; ")
}

// holders writes "t1 (share), x/t2 (share)", x being an xid.
func holders(all []txnmgr.LockHolder) string {
	var words []string
	for _, h := range all {
		word := fmt.Sprintf("%s (%v)", h.Label, h.Mode)
		if h.XID != "" {
			word = h.XID + "/" + word
		}
		words = append(words, word)
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}

// lockOutcome is the word for an error of a lock; "" if it is none.
func lockOutcome(err error) string {
	var locked *txnmgr.LockError
	var deadlock *txnmgr.DeadlockError
	switch {
	case errors.As(err, &locked):
		if errors.Is(err, txnmgr.ErrTimeout) {
			return "timed out, locked by " + holders(locked.Holders)
		}
		return "locked by " + holders(locked.Holders)
	case errors.As(err, &deadlock):
		return "deadlock: " + circle(deadlock.Cycle)
	case errors.Is(err, context.Canceled) && errors.Is(err, txnmgr.ErrTxnDone):
		return "done: cancelled"
	case errors.Is(err, context.Canceled):
		return "cancelled"
	}
	return ""
}

// circle writes "t1 wants a (update) of t2, t2 wants b (share) of t1", beginning with
// the smallest label, wherever the circle began.
func circle(waits []txnmgr.DeadlockWait) string {
	if len(waits) == 0 {
		return "of nobody"
	}
	first := 0
	for i, w := range waits {
		if w.Label < waits[first].Label {
			first = i
		}
	}
	var words []string
	for i := range waits {
		w := waits[(first+i)%len(waits)]
		words = append(words, fmt.Sprintf("%s wants %s (%v) of %s", w.Label, w.Key, w.Mode, w.HeldBy))
	}
	return strings.Join(words, ", ")
}

// idle checks that nobody waits, and, if nothing is prepared any more, that nothing is
// left of anybody (I7, I10).
func idle(t *testing.T, m *txnmgr.Manager) {
	t.Helper()
	m.Purge()
	s := m.Stats()
	want(t, "waiting", s.Waiting, 0)
	want(t, "active", s.Active, 0)
	if s.Prepared > 0 {
		return
	}
	want(t, "locks", managedStore{m}.Locks(), "")
	if inMemory() {
		want(t, "versions", s.Versions, s.Objects)
	}
}
