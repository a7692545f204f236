package pebblestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tierceldb/tiercel/storage"
)

// Report is what Verify found.
type Report struct {
	Mark storage.Mark
	// Newest is the greatest commit timestamp that is stored with one of the Keys.
	Keys, Newest uint64
	// Bytes are those of keys and values, TableBytes those of the Tables they are in.
	Bytes, TableBytes uint64
	Tables            int
}

// Verify reads everything in a directory and changes nothing: every checksum, every
// key and value, and the order in which tables hide one another. It returns the
// first error, with what was found up to there. A directory that a store has open
// is refused as by Open. A file system of nil is the operating system's.
func Verify(in vfs.FS, dir string) (report Report, err error) {
	if in == nil {
		in = vfs.Default
	}
	dir, err = resolve(in, dir)
	if err == nil {
		err = check(in, dir)
	}
	if err == nil {
		err = report.verify(in, dir)
	}
	if err != nil {
		return report, fmt.Errorf("pebblestore: verify %s: %w", dir, corrupt(err))
	}
	return report, nil
}

func (r *Report) verify(in vfs.FS, dir string) (err error) {
	guard := newGuard(in)
	p := base(readOnly{in})
	p.ReadOnly, p.ErrorIfNotExists = true, true
	p.Logger, p.EventListener = logger{guard}, newEvents(guard).listener()
	db, err := openPebble(dir, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close(), guard.err()) }()
	if r.Mark, err = loadMark(db, nil); err != nil {
		return err
	}
	if err := r.tables(in, dir, db, p); err != nil {
		return err
	}
	if err := r.keys(&Store{db: db}); err != nil {
		return err
	}
	return db.CheckLevels(nil)
}

// tables reads the checksum of each block.
func (r *Report) tables(in vfs.FS, dir string, db *pebble.DB, p *pebble.Options) error {
	p.EnsureDefaults()
	levels, err := db.SSTables()
	if err != nil {
		return err
	}
	for _, level := range levels {
		for _, table := range level {
			name := fmt.Sprintf("%06d%s", uint64(table.BackingSSTNum), tableSuffix)
			if err := verifyTable(in, in.PathJoin(dir, name), p.MakeReaderOptions()); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			r.Tables++
			r.TableBytes += table.Size
		}
	}
	return nil
}

func verifyTable(in vfs.FS, name string, opts sstable.ReaderOptions) (err error) {
	f, err := in.Open(name)
	if err != nil {
		return err
	}
	readable, err := sstable.NewSimpleReadable(f)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	table, err := sstable.NewReader(context.Background(), readable, opts)
	if err != nil {
		return errors.Join(err, readable.Close())
	}
	return errors.Join(table.ValidateBlockChecksums(), table.Close())
}

// keys reads what a scan would.
func (r *Report) keys(s *Store) error {
	it, err := s.Scan(nil, nil, storage.Ascending)
	if err != nil {
		return err
	}
	for it.Next() {
		r.Keys++
		r.Bytes += uint64(len(it.Key()) + len(it.Value()))
		r.Newest = max(r.Newest, it.TS())
	}
	return errors.Join(it.Err(), it.Close())
}

// readOnly is a file system without the methods that Pebble does not need to read.
type readOnly struct{ vfs.FS }

// Lock does without where nothing can be written: nobody else can write either.
func (r readOnly) Lock(name string) (io.Closer, error) {
	closer, err := lock(r.FS, name)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return unlocked{}, nil
	}
	return closer, err
}

type unlocked struct{}

// Close has nothing to release.
func (unlocked) Close() error { return nil }

// Create refuses.
func (r readOnly) Create(name string, _ vfs.DiskWriteCategory) (vfs.File, error) {
	return nil, refused("create", name)
}

// Remove refuses.
func (r readOnly) Remove(name string) error { return refused("remove", name) }

// RemoveAll refuses.
func (r readOnly) RemoveAll(name string) error { return refused("remove", name) }

// Rename refuses.
func (r readOnly) Rename(from, _ string) error { return refused("rename", from) }

// MkdirAll refuses.
func (r readOnly) MkdirAll(dir string, _ os.FileMode) error { return refused("mkdir", dir) }

func refused(op, name string) error {
	return &os.PathError{Op: op, Path: name, Err: fs.ErrPermission}
}
