package txnmgr

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/tierceldb/tiercel/storage"
)

const (
	// MaxKeySize is the greatest length of a key in bytes. The empty key is a key
	// like any other, and the first in order.
	MaxKeySize = storage.MaxKeySize
	// MaxValueSize is the greatest length of a value in bytes. With a log all that a
	// transaction writes may take so much, keys and some bytes each included; see
	// ErrTxnTooLarge.
	MaxValueSize = storage.MaxValueSize

	defaultRetries = 100
)

// Isolation is what an update transaction is promised about others.
type Isolation int

const (
	// Serializable, the default: the update transactions that commit, and all
	// read-only ones, have the effect of some order one after the other, which is
	// the order of their commits. What a transaction read, absent keys and ranges
	// too, must be unchanged when it commits.
	Serializable Isolation = iota
	// Snapshot isolation: a transaction reads at one snapshot, and of two that
	// write one key at the same time the first to commit wins. Two transactions may
	// each change what the other has only read (write skew).
	Snapshot
)

// String returns "serializable" or "snapshot".
func (i Isolation) String() string {
	switch i {
	case Serializable:
		return "serializable"
	case Snapshot:
		return "snapshot"
	}
	return fmt.Sprintf("Isolation(%d)", int(i))
}

func (i Isolation) check() error {
	if i != Serializable && i != Snapshot {
		return fmt.Errorf("%w: isolation %v; use Serializable or Snapshot", ErrBadOption, i)
	}
	return nil
}

// Granularity is what a commit locks, from vote to finish.
type Granularity int

const (
	// ObjectLocks, the default: the objects that it writes.
	ObjectLocks Granularity = iota
	// CoarseLock: the whole store, with one lock, as does every Txn.Lock. It is for
	// comparison, and for stores in memory only.
	CoarseLock
	// NoLocks: nothing. Only one goroutine at a time may have an update transaction
	// then, and one transaction at a time. It is for comparison too, and likewise.
	NoLocks
)

// String returns "object", "coarse" or "none".
func (g Granularity) String() string {
	switch g {
	case ObjectLocks:
		return "object"
	case CoarseLock:
		return "coarse"
	case NoLocks:
		return "none"
	}
	return fmt.Sprintf("Granularity(%d)", int(g))
}

// Options are given to Open. The zero value of every field is a good default.
type Options struct {
	// Dir is the directory of a durable store: a commit log, and an object store that
	// may be many times larger than memory. It is made if it is not there. Empty, and
	// without an Engine: everything is in memory and gone after Close. One process at
	// a time can have a directory open. It is found once, by Open: that the program goes
	// to another directory, or a link on the way is changed, makes no difference. But it
	// must not be moved or removed while it is open. Who may read what is made in it, the
	// umask of the process says. The log is in segments of 32 MiB, or of 1/8 of
	// LogBytes if that is less, each written in full with zeros beforehand: a new store
	// takes one. Segments that are not needed any more are kept for use again, as many as
	// make up LogBytes, at most. Those that are needed come on top; Stats.LogBytes has
	// the sum.
	Dir string

	// Engine is the object store to use in place of the one in Dir. Close closes it.
	// Without a Dir there is no log then: commits do not wait for any disk, and are in
	// the engine some time later, all of them after Close; if not, Close says so.
	Engine storage.Engine

	// Durability is what commits wait for, where WithDurability does not say. The
	// zero value is Sync.
	Durability Durability

	// CacheBytes is how much memory is for objects that are in the object store, its
	// own caches included: 256 MiB if 0, else 4 KiB (4096) to 1 TiB. About 1/32 of
	// it is taken at once, for tables. What is not in the object store yet comes on top, and is
	// bounded by LogBytes; and while a snapshot is held open, the objects that were
	// changed since, with what it sees of them.
	CacheBytes int64

	// LogBytes is how much may be committed that the object store does not have yet:
	// 256 MiB if 0, else 64 KiB (65536) at least. Each object that is written counts with
	// what it takes in the log, and 250 bytes that it takes in memory besides. A commit that would make it more
	// waits before its vote; see Stats.Throttled. A transaction larger than that waits
	// until it is alone, and with a small log it takes many short segments. If the object
	// store cannot go on because its disk is full, it tries again and again, and commits
	// wait as long as their contexts allow; Stats.Failure says why.
	LogBytes int64

	// Replaying is told, while Open reads the commit log, how many of its bytes are
	// done.
	Replaying func(done, all int64)

	// Isolation is the default of update transactions.
	Isolation Isolation

	// Locks is what a commit locks from vote to finish.
	Locks Granularity

	// MaxAge ends every transaction, read-only ones too, that has been open for
	// longer, with ErrTimeout: it may have been forgotten. It is found out up to a
	// quarter later. 0 means never.
	MaxAge time.Duration

	// RecordStacks remembers the stack that began each update transaction; Stats
	// shows that of the oldest. It costs about a microsecond or two a transaction.
	RecordStacks bool

	// Retries is how many further attempts Update makes after conflicts, where
	// WithRetry does not say. 0 means 100.
	Retries int
}

func (o *Options) check() error {
	if err := o.Isolation.check(); err != nil {
		return err
	}
	if o.Locks < ObjectLocks || o.Locks > NoLocks {
		return fmt.Errorf("%w: Locks %v; use ObjectLocks, CoarseLock or NoLocks", ErrBadOption, o.Locks)
	}
	if err := o.checkDurable(); err != nil {
		return err
	}
	if o.MaxAge < 0 {
		return fmt.Errorf("%w: MaxAge %v is negative; use 0 for no limit", ErrBadOption, o.MaxAge)
	}
	if o.Retries < 0 {
		return fmt.Errorf("%w: Retries %d is negative; use WithRetry(0) for a single attempt", ErrBadOption, o.Retries)
	}
	return nil
}

const (
	defaultCacheBytes, minCacheBytes, maxCacheBytes = 256 << 20, 4 << 10, 1 << 40
	defaultLogBytes, minLogBytes                    = 256 << 20, 64 << 10
)

func (o *Options) checkDurable() error {
	if err := o.Durability.check(); err != nil {
		return err
	}
	if o.CacheBytes != 0 && (o.CacheBytes < minCacheBytes || o.CacheBytes > maxCacheBytes) {
		return fmt.Errorf("%w: CacheBytes %d; use %d to %d, or 0 for %d", ErrBadOption, o.CacheBytes,
			minCacheBytes, int64(maxCacheBytes), defaultCacheBytes)
	}
	if o.LogBytes != 0 && o.LogBytes < minLogBytes {
		return fmt.Errorf("%w: LogBytes %d; use %d or more, or 0 for %d", ErrBadOption, o.LogBytes, minLogBytes, defaultLogBytes)
	}
	if e := reflect.ValueOf(o.Engine); e.Kind() == reflect.Pointer && e.IsNil() {
		return fmt.Errorf("%w: Engine is a nil %T; look at the error of whoever opened it", ErrBadOption, o.Engine)
	}
	if o.isDurable() && o.Locks != ObjectLocks {
		return fmt.Errorf("%w: Locks %v; with Dir or Engine it must be ObjectLocks", ErrBadOption, o.Locks)
	}
	return nil
}

// isDurable reports whether there is anything under the object table.
func (o *Options) isDurable() bool { return o.Dir != "" || o.Engine != nil }

// TxnOption changes one transaction.
type TxnOption func(*txnConfig) error

// txnConfig is what the options of one transaction add up to.
type txnConfig struct {
	isolation Isolation
	label     string
	timeout   time.Duration
	deadline  time.Time
	retries   int

	durability  Durability
	pessimistic bool
}

// configure applies the options. The deadline counts from now.
func (m *Manager) configure(opts []TxnOption) (*txnConfig, error) {
	if len(opts) == 0 {
		return &m.defaults, nil
	}
	c := new(txnConfig)
	*c = m.defaults
	for i, opt := range opts {
		if opt == nil {
			return nil, fmt.Errorf("%w: TxnOption number %d is nil", ErrBadOption, i+1)
		}
		if err := opt(c); err != nil {
			return nil, err
		}
	}
	if c.timeout > 0 {
		c.deadline = time.Now().Add(c.timeout)
	}
	return c, nil
}

// WithIsolation sets the isolation of an update transaction. Read-only ones have
// no use for it.
func WithIsolation(i Isolation) TxnOption {
	return func(c *txnConfig) error {
		c.isolation = i
		return i.check()
	}
}

// WithLabel names an update transaction in Stats and in the errors of those that
// conflict with it. Read-only ones have no use for it.
func WithLabel(label string) TxnOption {
	return func(c *txnConfig) error {
		c.label = label
		return nil
	}
}

// WithTimeout bounds the whole transaction, in Update all attempts together: any
// call later than d after the begin, Commit included, ends it with ErrTimeout. d
// must be positive.
func WithTimeout(d time.Duration) TxnOption {
	return func(c *txnConfig) error {
		if d <= 0 {
			return fmt.Errorf("%w: timeout %v; it must be positive, and without the option there is none", ErrBadOption, d)
		}
		c.timeout = d
		return nil
	}
}

// WithRetry sets how many further attempts Update makes after conflicts; 0 means
// that the first is the only one.
func WithRetry(max int) TxnOption {
	return func(c *txnConfig) error {
		if max < 0 {
			return fmt.Errorf("%w: retry %d; it must be 0 or more", ErrBadOption, max)
		}
		c.retries = max
		return nil
	}
}

// WithPessimistic lets Update make its last attempt while no other transaction can
// commit, but what is prepared already, so that it does not lose to them for ever.
// If even then somebody who was about to commit comes first, it is repeated. The
// others wait meanwhile, so the function should be short and WithTimeout a limit;
// read-only transactions do not notice. An update within the function would wait for
// its own transaction. In Stats the lock counts as one more transaction, rolled back.
func WithPessimistic() TxnOption {
	return func(c *txnConfig) error {
		c.pessimistic = true
		return nil
	}
}

// limited is a context with a deadline that is looked at, without a timer.
type limited struct {
	context.Context
	deadline time.Time
}

// limits returns what a transaction has to look at in every call: nil if ctx
// cannot be cancelled and there is no deadline.
func limits(ctx context.Context, deadline time.Time) context.Context {
	if !deadline.IsZero() {
		return &limited{Context: ctx, deadline: deadline}
	}
	if ctx.Done() == nil {
		return nil
	}
	return ctx
}

// exceeded returns why a transaction has to end, or nil.
func exceeded(ctx context.Context) error {
	if l, is := ctx.(*limited); is && !time.Now().Before(l.deadline) {
		return &endError{cause: ErrTimeout}
	}
	if err := ctx.Err(); err != nil {
		return &endError{cause: err}
	}
	return nil
}
