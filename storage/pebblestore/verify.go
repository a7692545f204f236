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
	// DiskBytes are all files.
	DiskBytes uint64
}

// Visitor is told about a store while it is verified. Either function may be nil.
type Visitor struct {
	// Key gets each key with what is stored with it, in order, valid during the
	// call. An error ends the verification, and is returned.
	Key func(key, value []byte, ts uint64) error
	// Progress is told how many of all bytes are done, about.
	Progress func(done, all int64)
}

// Verify reads everything in a directory and changes nothing: every checksum, every
// key and value, and the order in which tables hide one another. It returns the
// first error, with what was found up to there. A directory that a store has open
// is refused as by Open, and one that has none with an error that matches
// fs.ErrNotExist. A file system of nil is the operating system's.
func Verify(in vfs.FS, dir string) (Report, error) { return VerifyEach(in, dir, Visitor{}) }

// VerifyEach is Verify, and has somebody else look at what it reads.
func VerifyEach(in vfs.FS, dir string, visitor Visitor) (Report, error) {
	v := verification{visitor: visitor}
	err := v.open(in, dir, v.everything)
	if err != nil {
		err = fmt.Errorf("pebblestore: verify %s: %w", dir, corrupt(err))
	}
	return v.report, err
}

// Look is Verify without reading the tables: Keys are those that are stored, counted
// once for each time that they were written and not yet merged, and there are no
// Bytes and no Newest.
func Look(in vfs.FS, dir string) (Report, error) {
	var v verification
	err := v.open(in, dir, v.count)
	if err != nil {
		err = fmt.Errorf("pebblestore: look at %s: %w", dir, corrupt(err))
	}
	return v.report, err
}

// verification is a Verify on its way.
type verification struct {
	in      vfs.FS
	dir     string
	db      *pebble.DB
	opts    *pebble.Options
	visitor Visitor
	report  Report
	done    int64 // bytes
}

// open opens the database for reading, and calls look.
func (v *verification) open(in vfs.FS, dir string, look func() error) (err error) {
	if in == nil {
		in = vfs.Default
	}
	if dir, err = resolve(in, dir); err == nil {
		_, err = in.Stat(dir)
	}
	if err == nil {
		err = check(in, dir)
	}
	if err != nil {
		return err
	}
	guard := newGuard(in)
	v.in, v.dir, v.opts = in, dir, base(readOnly{in})
	v.opts.ReadOnly, v.opts.ErrorIfNotExists = true, true
	v.opts.Logger, v.opts.EventListener = logger{guard}, newEvents(guard).listener()
	if v.db, err = openPebble(dir, v.opts); errors.Is(err, pebble.ErrDBDoesNotExist) {
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	} else if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.db.Close(), guard.err()) }()
	m, err := loadMark(v.db, nil)
	if err != nil {
		return err
	}
	v.report.Mark = m.mark
	figures := v.db.Metrics()
	total := figures.Total()
	v.report.DiskBytes, v.report.Tables, v.report.TableBytes = figures.DiskSpaceUsage(), int(total.TablesCount), uint64(total.TablesSize)
	return look()
}

// count counts keys.
func (v *verification) count() error {
	levels, err := v.db.SSTables(pebble.WithProperties())
	if err != nil {
		return err
	}
	marks := uint64(0)
	for _, level := range levels {
		for _, table := range level {
			v.report.Keys += table.Properties.NumEntries - table.Properties.NumDeletions
			if key := table.Smallest.UserKey; len(key) == 1 && key[0] == markByte {
				marks++
			}
		}
	}
	v.report.Keys -= min(marks, v.report.Keys)
	return nil
}

// everything reads everything.
func (v *verification) everything() error {
	if err := v.tables(); err != nil {
		return err
	}
	if err := v.keys(&Store{db: v.db}); err != nil {
		return err
	}
	return v.db.CheckLevels(nil)
}

// tell says that so many more bytes are done. They are counted twice, once with the
// tables and once with the keys.
func (v *verification) tell(bytes int64) {
	v.done += bytes
	if all := 2 * int64(v.report.TableBytes); v.visitor.Progress != nil {
		v.visitor.Progress(min(v.done, all), all)
	}
}

// tables reads the checksum of each block.
func (v *verification) tables() error {
	v.opts.EnsureDefaults()
	levels, err := v.db.SSTables()
	if err != nil {
		return err
	}
	for _, level := range levels {
		for _, table := range level {
			name := fmt.Sprintf("%06d%s", uint64(table.BackingSSTNum), tableSuffix)
			if err := verifyTable(v.in, v.in.PathJoin(v.dir, name), v.opts.MakeReaderOptions()); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			v.tell(int64(table.Size))
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

// progressEvery is how many bytes of keys and values there are between two calls of
// Visitor.Progress.
const progressEvery = 1 << 20

// keys reads what a scan would.
func (v *verification) keys(s *Store) error {
	it, err := s.Scan(nil, nil, storage.Ascending)
	if err != nil {
		return err
	}
	r := &v.report
	var told uint64
	for it.Next() && err == nil {
		r.Keys++
		r.Bytes += uint64(len(it.Key()) + len(it.Value()))
		r.Newest = max(r.Newest, it.TS())
		if v.visitor.Key != nil {
			err = v.visitor.Key(it.Key(), it.Value(), it.TS())
		}
		if r.Bytes-told >= progressEvery {
			v.tell(int64(r.Bytes - told))
			told = r.Bytes
		}
	}
	if err = errors.Join(err, it.Err(), it.Close()); err == nil {
		v.tell(2*int64(r.TableBytes) - v.done)
	}
	return err
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
