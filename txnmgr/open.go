package txnmgr

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
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
	// log as it was then, and makes no empty log or object store where one is missing.
	// Reading says so too, of what it would have had to read.
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
func (m *Manager) openDurable(ctx context.Context) (err error) {
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
	opened := false
	defer func() {
		if !opened && m.lock != nil { // also if Options.Replaying panics
			err = errors.Join(err, m.lock.Close())
		}
	}()
	if err := m.openStores(ctx, fs); err != nil {
		return err
	}
	opened = true
	return nil
}

// lockDir makes the directory and locks it. From now on it is called by its one name,
// for its files are opened one by one for as long as the store is open.
func (m *Manager) lockDir(fs fsys.FS) (err error) {
	dir := m.opts.Dir
	if err = fs.MkdirAll(dir); err == nil {
		m.opts.Dir, err = fs.Resolve(dir)
	}
	if err != nil {
		return fmt.Errorf("tiercel: directory %s: %w", dir, err)
	}
	dir = m.opts.Dir
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
	if m.opts.Engine != nil {
		return openError(m.opts.Dir, m.recover(ctx, fs, m.opts.Engine, m.opts.CacheBytes))
	}
	dir := filepath.Join(m.opts.Dir, objectsName)
	_, err := os.Lstat(dir)
	isNew := errors.Is(err, iofs.ErrNotExist)
	if err = m.openObjects(ctx, fs, dir); err != nil && isNew && !errors.Is(err, fsys.ErrLocked) {
		// An empty one must not stand where one is missing. It has nothing that the log has not.
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return openError(m.opts.Dir, err)
}

// openObjects opens the object store of Pebble's, and recovers what is there.
func (m *Manager) openObjects(ctx context.Context, fs fsys.FS, dir string) (err error) {
	// What is cached as blocks is read from there more slowly than an object.
	const share = 4
	blocks := m.opts.CacheBytes / share
	engine, err := pebblestore.Open(dir, pebblestore.Options{CacheBytes: blocks})
	if err != nil {
		return err
	}
	recovered := false
	defer func() {
		if !recovered {
			err = errors.Join(err, engine.Close())
		}
	}()
	if err := m.recover(ctx, fs, engine, m.opts.CacheBytes-blocks); err != nil {
		return err
	}
	recovered = true
	return nil
}

// recover opens the log, and brings the object table to the state of log and engine.
// After an error the engine is the caller's again.
func (m *Manager) recover(ctx context.Context, fs fsys.FS, engine storage.Engine, cache int64) error {
	m.objects, _ = engine.(*pebblestore.Store)
	err := m.store.Attach(engine, cache)
	if err != nil {
		return err
	}
	defer func() {
		if m.durable == nil {
			m.store.Detach()
		}
	}()
	m.durable, err = durable.Open(ctx, &m.deps, durable.Options{
		Dir: m.opts.Dir, FS: fs, Engine: engine, LogBytes: m.opts.LogBytes, Progress: m.opts.Replaying,
	})
	return err
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
