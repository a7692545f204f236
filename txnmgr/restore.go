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

// restoring is added to the name of the directory while it is not whole.
const restoring = ".restoring"

// Restore makes a store of what Backup has written, in dir, which must be empty or not
// be there; what is missing above it is made too. It is a new store: commits go on
// behind the snapshot of the backup. Until all of it is there, and on the disk, it is
// beside dir in a directory of the same name and ".restoring", which is removed after an
// error, and which somebody has to remove if the process ends before. In the end that is
// renamed, so dir cannot be where a file system is mounted, but can be below.
//
// The errors are ErrNilContext, ErrBadOption, the context's, ErrNotEmpty,
// ErrNotBackup, ErrVersion, r's, and those of the file system.
func Restore(ctx context.Context, dir string, r io.Reader) error {
	switch {
	case ctx == nil:
		return ErrNilContext
	case dir == "":
		return fmt.Errorf("%w: empty name of the directory to restore to", ErrBadOption)
	case r == nil:
		return fmt.Errorf("%w: nil reader", ErrBadOption)
	}
	if err := checkAbsent(dir); err != nil {
		return err
	}
	building := filepath.Clean(dir) + restoring
	if err := checkAbsent(building); err != nil {
		return fmt.Errorf("%w: another Restore is at work, or was cut short; in that case remove it", err)
	}
	err := restoreInto(ctx, building, r)
	if err == nil {
		err = moveInto(building, filepath.Clean(dir))
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(building))
	}
	return nil
}

// checkAbsent refuses a directory that has something in it.
func checkAbsent(dir string) error {
	names, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("tiercel: restore: %w", err)
	case len(names) > 0:
		return fmt.Errorf("%w: %s", ErrNotEmpty, dir)
	}
	return nil
}

// moveInto gives a directory its name, in place of an empty one.
func moveInto(building, dir string) error {
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("tiercel: restore: %w", err)
	}
	if err := os.Rename(building, dir); err != nil {
		return fmt.Errorf("tiercel: restore: %w", err)
	}
	if err := fsys.OS().SyncDir(filepath.Dir(dir)); err != nil {
		return fmt.Errorf("tiercel: restore: %w", err)
	}
	return nil
}

// restoreInto fills an object store, and begins a log behind it.
func restoreInto(ctx context.Context, dir string, r io.Reader) error {
	b := &backupReader{in: bufio.NewReaderSize(r, 1<<16)}
	if err := b.begin(); err != nil {
		return err
	}
	fs := fsys.OS()
	if err := fs.MkdirAll(dir); err != nil {
		return fmt.Errorf("tiercel: restore: %w", err)
	}
	mark := storage.Mark{Applied: b.snapshot}
	rand.Read(mark.Store[:]) // never fails
	engine, err := pebblestore.Open(filepath.Join(dir, objectsName), pebblestore.Options{})
	if err != nil {
		return openError(dir, err)
	}
	err = fill(ctx, engine, b, mark)
	if err = errors.Join(err, engine.Close()); err != nil {
		return err
	}
	log, err := commitlog.Open(fs, durable.LogDir(dir), commitlog.Options{StoreID: commitlog.StoreID(mark.Store), After: mark.Applied})
	if err != nil {
		return openError(dir, err)
	}
	err = log.Replay(mark.Applied, func([]commitlog.Frame) error { return nil }, nil)
	return errors.Join(err, log.Close())
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
