package txnmgr

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tierceldb/tiercel/internal/fsys"
	"github.com/tierceldb/tiercel/storage"
	"github.com/tierceldb/tiercel/storage/commitlog"
	"github.com/tierceldb/tiercel/storage/pebblestore"
	"github.com/tierceldb/tiercel/storage/redo"
	"github.com/tierceldb/tiercel/txnmgr/durable"
)

// ErrNotEmpty says that there is something in the directory to restore to.
var ErrNotEmpty = errors.New("tiercel: the directory is not empty; restore to a new one")

// Restore makes a store of what Backup has written, in dir, which must be empty or not
// be there; what is missing above it is made too. It is a new store: commits go on
// behind the snapshot of the backup. Until all of it is there, and on the disk, it is
// beside dir in a directory of the same name and ".restoring", which is removed after an
// error, and which somebody has to remove if the process ends before. In the end that is
// renamed, so dir cannot be where a file system is mounted, or the program is, but can be
// below; a symbolic link is followed first. An empty directory in its place hands down
// its permissions, to a new one the process's umask applies.
//
// The errors are ErrNilContext, ErrBadOption, the context's, ErrNotEmpty,
// ErrNotBackup, ErrVersion, r's, and those of the file system.
func Restore(ctx context.Context, dir string, r io.Reader) (err error) {
	switch {
	case ctx == nil:
		return ErrNilContext
	case dir == "":
		return fmt.Errorf("%w: empty name of the directory to restore to", ErrBadOption)
	case r == nil:
		return fmt.Errorf("%w: nil reader", ErrBadOption)
	}
	p, err := findPlace(dir)
	if err == nil {
		err = p.claim()
	}
	if err != nil {
		return placeError(err)
	}
	restored := false
	defer func() {
		if !restored { // also if r panics
			err = errors.Join(err, os.RemoveAll(p.building()))
		}
	}()
	if err := restoreInto(ctx, p.building(), r); err != nil {
		return err
	}
	if err := p.take(); err != nil {
		return placeError(err)
	}
	restored = true
	return nil
}

// placeError makes err one of those that Restore is documented to return.
func placeError(err error) error {
	if errors.Is(err, ErrNotEmpty) || errors.Is(err, ErrBadOption) {
		return err
	}
	return fmt.Errorf("tiercel: restore: %w", err)
}

// restoreInto fills an object store, and begins a log behind it.
func restoreInto(ctx context.Context, dir string, r io.Reader) error {
	b := &backupReader{in: bufio.NewReaderSize(r, 1<<16)}
	if err := b.begin(); err != nil {
		return err
	}
	mark := storage.Mark{Applied: b.snapshot}
	rand.Read(mark.Store[:]) // never fails
	if err := makeObjects(ctx, filepath.Join(dir, objectsName), b, mark); err != nil {
		return err
	}
	log, err := commitlog.Open(fsys.OS(), durable.LogDir(dir), commitlog.Options{StoreID: commitlog.StoreID(mark.Store), After: mark.Applied})
	if err != nil {
		return openError(dir, err)
	}
	err = log.Replay(mark.Applied, func([]commitlog.Frame) error { return nil }, nil)
	return errors.Join(err, log.Close())
}

// makeObjects makes the object store.
func makeObjects(ctx context.Context, dir string, b *backupReader, mark storage.Mark) (err error) {
	engine, err := pebblestore.Open(dir, pebblestore.Options{})
	if err != nil {
		return openError(dir, err)
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	return fill(ctx, engine, b, mark)
}

// fill applies the backup to the engine, and makes it durable.
func fill(ctx context.Context, engine storage.Engine, b *backupReader, mark storage.Mark) error {
	unfinished := storage.Mark{Store: mark.Store}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		writes, err := b.next()
		if err != nil {
			return err
		}
		if writes == nil {
			break
		}
		if err := engine.Apply(changes(writes, mark.Applied), unfinished); err != nil {
			return fmt.Errorf("tiercel: restore: %w", err)
		}
	}
	if err := engine.Apply(nil, mark); err != nil {
		return fmt.Errorf("tiercel: restore: %w", err)
	}
	if err := engine.Sync(); err != nil {
		return fmt.Errorf("tiercel: restore: %w", err)
	}
	return nil
}

func changes(writes []redo.Write, ts uint64) []storage.Change {
	list := make([]storage.Change, len(writes))
	for i, w := range writes {
		list[i] = storage.Change{Key: w.Key, Value: w.Value, TS: ts}
	}
	return list
}
