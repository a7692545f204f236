package txnmgr

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/tierceldb/tiercel/internal/fsys"
	"github.com/tierceldb/tiercel/storage"
	"github.com/tierceldb/tiercel/storage/commitlog"
	"github.com/tierceldb/tiercel/storage/pebblestore"
	"github.com/tierceldb/tiercel/storage/redo"
	"github.com/tierceldb/tiercel/txnmgr/durable"
)

// Errors of opening a directory. They wrap the error that says what and where.
var (
	// ErrInUse says that another process, or another Manager, has the directory open.
	ErrInUse = errors.New("tiercel: the directory is open elsewhere; close it there first")
	// ErrCorrupt says that a file is not what was written, or is missing. Open leaves the
	// log as it was then. Reading says so too, of what it would have had to read.
	ErrCorrupt = errors.New("tiercel: the store is damaged; restore a backup, or look at it with verify")
	// ErrVersion says that a file was written by another version.
	ErrVersion = errors.New("tiercel: the store was written by another version; use that one")
	// ErrOtherStore says that commit log and object store do not belong together.
	ErrOtherStore = errors.New("tiercel: commit log and object store are of different stores; put those of one together")
)

// The names in the directory of a store, besides the log's.
const (
	lockName    = "lock"
	objectsName = "objects"
)

// openDurable opens what is under the object table.
func (m *Manager) openDurable(ctx context.Context) error {
	opts := &m.opts
	if opts.CacheBytes == 0 {
		opts.CacheBytes = defaultCacheBytes
	}
	if opts.LogBytes == 0 {
		opts.LogBytes = defaultLogBytes
	}
	fs := fsys.From(ctx)
	if opts.Dir != "" {
		if err := m.lockDir(fs); err != nil {
			return err
		}
	}
	if err := m.openStores(ctx, fs); err != nil {
		if m.lock != nil {
			err = errors.Join(err, m.lock.Close())
		}
		return err
	}
	return nil
}

func (m *Manager) lockDir(fs fsys.FS) (err error) {
	dir := m.opts.Dir
	if err = fs.MkdirAll(dir); err != nil {
		return fmt.Errorf("tiercel: directory %s: %w", dir, err)
	}
	m.lock, err = fs.Lock(filepath.Join(dir, lockName))
	switch {
	case errors.Is(err, fsys.ErrLocked):
		return fmt.Errorf("%w: %s", ErrInUse, dir)
	case err != nil:
		return fmt.Errorf("tiercel: directory %s: %w", dir, err)
	}
	return nil
}

// openStores opens the engine and the log, and recovers what they have.
func (m *Manager) openStores(ctx context.Context, fs fsys.FS) error {
	engine, cache := m.opts.Engine, m.opts.CacheBytes
	if engine == nil {
		// What is cached as blocks is read from there more slowly than an object.
		const share = 4
		own, err := pebblestore.Open(filepath.Join(m.opts.Dir, objectsName), pebblestore.Options{CacheBytes: cache / share})
		if err != nil {
			return openError(m.opts.Dir, err)
		}
		engine, cache = own, cache-cache/share
	}
	m.objects, _ = engine.(*pebblestore.Store)
	err := m.store.Attach(engine, cache)
	if err == nil {
		m.durable, err = durable.Open(ctx, &m.deps, durable.Options{
			Dir: m.opts.Dir, FS: fs, Engine: engine, LogBytes: m.opts.LogBytes, Progress: m.opts.Replaying,
		})
		if err != nil {
			m.store.Detach()
		}
	}
	if err != nil && m.opts.Engine == nil {
		err = errors.Join(err, engine.Close())
	}
	return openError(m.opts.Dir, err)
}

// openError makes err one of those that Open is documented to return.
func openError(dir string, err error) error {
	var log *commitlog.CorruptionError
	var record *redo.CorruptionError
	is := func(targets ...error) bool {
		for _, t := range targets {
			if errors.Is(err, t) {
				return true
			}
		}
		return false
	}
	switch {
	case err == nil:
		return nil
	case errors.As(err, &log), errors.As(err, &record), is(pebblestore.ErrCorrupt, durable.ErrBehind, durable.ErrNoLog):
		return fmt.Errorf("%w: %s: %w", ErrCorrupt, dir, err)
	case is(commitlog.ErrVersion, redo.ErrVersion, pebblestore.ErrVersion):
		return fmt.Errorf("%w: %s: %w", ErrVersion, dir, err)
	case is(commitlog.ErrStoreID):
		return fmt.Errorf("%w: %s: %w", ErrOtherStore, dir, err)
	case is(fsys.ErrLocked):
		return fmt.Errorf("%w: %s: %w", ErrInUse, dir, err)
	}
	return fmt.Errorf("tiercel: open %s: %w", dir, err)
}

// closeDurable closes what openDurable has opened.
func (m *Manager) closeDurable() error {
	err := m.durable.Close()
	if m.lock != nil {
		err = errors.Join(err, m.lock.Close())
	}
	if err != nil {
		return fmt.Errorf("tiercel: close: %w", err)
	}
	return nil
}

var _ storage.Engine = (*pebblestore.Store)(nil)
