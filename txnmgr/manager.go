package txnmgr

import (
	"context"
	"io"
	"runtime/debug"
	"sync"

	"github.com/puzpuzpuz/xsync/v3"

	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/internal/stages"
	"github.com/tierceldb/tiercel/storage"
	"github.com/tierceldb/tiercel/storage/pebblestore"
	"github.com/tierceldb/tiercel/txnmgr/durable"
)

// Manager runs transactions on one store. Open makes one; the zero Manager cannot be
// used. Its methods may be called by many goroutines.
type Manager struct {
	deps  deps.Manager
	store *storage.Store
	opts  Options
	// defaults are the options of a transaction that has none of its own.
	defaults txnConfig
	// plain is what read-only transactions read that have nothing else to look at.
	plain scope

	// rolledBack counts what its owner or a conflict rolled back; the active list
	// counts what was ended by force.
	rolledBack, conflicts, retries *xsync.Counter

	closing sync.Once
	closed  error          // what Close returns
	watch   *watch         // nil without Options.MaxAge
	durable *durable.Store // nil: everything is in memory
	// objects is the object store, nil if it is none of Pebble's.
	objects *pebblestore.Store
	lock    io.Closer // of Options.Dir
}

// Open returns a manager of the store in Options.Dir, or of an empty store in memory.
// The context is looked at only while Open runs. Close the manager when it is not
// needed any more.
//
// The errors are ErrNilContext, ErrBadOption, the context's, and with a Dir ErrInUse,
// ErrCorrupt, ErrVersion, ErrOtherStore, and those of the file system.
func Open(ctx context.Context, opts Options) (*Manager, error) {
	if ctx == nil {
		return nil, ErrNilContext
	}
	if err := opts.check(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if opts.Retries == 0 {
		opts.Retries = defaultRetries
	}
	m := &Manager{
		opts:       opts,
		rolledBack: xsync.NewCounter(),
		conflicts:  xsync.NewCounter(),
		retries:    xsync.NewCounter(),
	}
	m.deps.Init(deps.Config{Stages: stages.From(ctx), Locks: deps.Granularity(opts.Locks), Durable: opts.Dir != ""})
	m.store = m.deps.Store
	m.plain = scope{store: m.store, cached: opts.isDurable()}
	m.defaults = txnConfig{isolation: opts.Isolation, retries: opts.Retries, durability: opts.Durability}
	if opts.isDurable() {
		if err := m.openDurable(ctx); err != nil {
			return nil, err
		}
	}
	if opts.MaxAge > 0 {
		m.watch = m.startWatch(opts.MaxAge)
	}
	return m, nil
}

// Close ends what is open with ErrClosed and refuses what is new. It waits for no
// user: a transaction that is open finds out at its next call. A Commit that runs
// meanwhile either succeeds or returns ErrClosed. With a log it waits for the disk to
// have what is committed, and returns the error if it has not. What the object store does
// not have yet the next Open reads from the log, so Close does not wait for that. Close
// may be called again, and returns the same; always nil for a manager in memory.
func (m *Manager) Close() error {
	m.closing.Do(func() {
		if m.watch != nil {
			m.watch.stop()
		}
		m.deps.Close(&endError{cause: ErrClosed})
		if m.durable != nil {
			m.deps.Quiesce()
			m.closed = m.closeDurable()
		}
	})
	return m.closed
}

// Purge unlinks, now, every version that nobody can see any more. There is no
// need to call it: commits purge as they go. It leaves at most the rest of the
// last commits and what open transactions hold.
func (m *Manager) Purge() { m.deps.Purge() }

// BeginRead begins a read-only transaction. It takes no lock, and allocates
// nothing unless it has options or the context can be cancelled. The caller must
// Close it.
//
// The errors are ErrNilContext, ErrBadOption, ErrClosed, and the context's.
func (m *Manager) BeginRead(ctx context.Context, opts ...TxnOption) (ReadTxn, error) {
	if ctx == nil {
		return ReadTxn{}, ErrNilContext
	}
	if len(opts) > 0 || ctx.Done() != nil {
		return m.beginReadWith(ctx, opts)
	}
	slot, gen, snapshot := m.deps.BeginRead()
	if slot == nil {
		return ReadTxn{}, ErrClosed
	}
	return ReadTxn{slot: slot, gen: gen, snapshot: snapshot, in: &m.plain}, nil
}

func (m *Manager) beginReadWith(ctx context.Context, opts []TxnOption) (ReadTxn, error) {
	config, err := m.configure(opts)
	if err != nil {
		return ReadTxn{}, err
	}
	if err := ctx.Err(); err != nil {
		return ReadTxn{}, err
	}
	slot, gen, snapshot := m.deps.BeginRead()
	if slot == nil {
		return ReadTxn{}, ErrClosed
	}
	tx := ReadTxn{slot: slot, gen: gen, snapshot: snapshot, in: &m.plain}
	if ctx = limits(ctx, config.deadline); ctx != nil {
		tx.in = &scope{store: m.store, ctx: ctx, cached: m.plain.cached}
	}
	return tx, nil
}

// Begin begins an update transaction. The caller must Commit it or Rollback it;
// a deferred Rollback does no harm after Commit.
//
// The errors are ErrNilContext, ErrBadOption, ErrClosed, and the context's.
func (m *Manager) Begin(ctx context.Context, opts ...TxnOption) (*Txn, error) {
	if ctx == nil {
		return nil, ErrNilContext
	}
	config, err := m.configure(opts)
	if err != nil {
		return nil, err
	}
	return m.begin(ctx, config)
}

func (m *Manager) begin(ctx context.Context, config *txnConfig) (*Txn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	tx := &Txn{
		m:            m,
		rec:          &deps.Record{},
		limits:       limits(ctx, config.deadline),
		serializable: config.isolation == Serializable,
		async:        config.durability == Async,
	}
	if config.label != "" || !config.deadline.IsZero() || m.opts.RecordStacks {
		tx.rec.About = &deps.About{Label: config.label, Deadline: config.deadline}
		if m.opts.RecordStacks {
			tx.rec.About.Stack = string(debug.Stack())
		}
	}
	if !m.deps.Begin(tx.rec) {
		return nil, ErrClosed
	}
	return tx, nil
}

// View runs fn in a read-only transaction, and ends it when fn returns or panics.
// It returns what fn returns, or an error of BeginRead. If fn returns nil, and the
// transaction was ended by force meanwhile, so that a Scan may have been cut short, it
// returns the cause, as ReadTxn.Err would: the context's error, ErrTimeout, ErrClosed,
// or why the object store could not be read.
func (m *Manager) View(ctx context.Context, fn func(tx ReadTxn) error, opts ...TxnOption) error {
	if fn == nil {
		return ErrNilFunc
	}
	tx, err := m.BeginRead(ctx, opts...)
	if err != nil {
		return err
	}
	defer tx.Close()
	if err := fn(tx); err != nil {
		return err
	}
	return tx.forced()
}
