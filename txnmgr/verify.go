package txnmgr

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/tierceldb/tiercel/internal/fsys"
	"github.com/tierceldb/tiercel/storage"
	"github.com/tierceldb/tiercel/storage/commitlog"
	"github.com/tierceldb/tiercel/storage/pebblestore"
	"github.com/tierceldb/tiercel/storage/redo"
	"github.com/tierceldb/tiercel/txnmgr/durable"
)

// ErrNoStore says that there is no store in the directory.
var ErrNoStore = errors.New("tiercel: there is no store in the directory")

// VerifyReport is what Verify and Inspect found in the directory of a store.
type VerifyReport struct {
	StoreID string        // in hexadecimal; empty if nothing was committed yet
	Log     LogReport     // what is to be done again, and more
	Objects ObjectsReport // where everything else is

	// Replay is how many commits the next Open has to do again, Prepared what will be
	// prepared then, oldest first.
	Replay   int
	Prepared []PreparedInfo

	// Problems are the things that are wrong, as far as they are described, and say
	// where. Each matches ErrCorrupt, ErrVersion or ErrOtherStore.
	Problems []error
	// Undescribed is how many more there are.
	Undescribed int
}

// LogReport is about the commit log.
type LogReport struct {
	Segments, Spares int    // files that hold the log, and that could become such
	DiskBytes        int64  // of them all
	Groups           int    // commits that were written together count as one
	Commits          int    // in them
	Base             uint64 // every commit younger than this timestamp is in the log
	First, Last      uint64 // timestamps of the first and the last commit there
	Closed           bool   // by Close; else by a crash, and something may be missing at the end
	Torn             string // where a write was cut off by a crash, if it left traces; no problem
}

// ObjectsReport is about the object store, without what is only in the log: of a store
// that was closed that may be everything (see VerifyReport.Replay).
type ObjectsReport struct {
	Applied   uint64 // it has everything up to this commit timestamp
	Keys      uint64 // from Inspect: at most so many, for some may be counted more than once
	Bytes     uint64 // of keys and values; 0 from Inspect
	Cut       bool   // it could not be read to the end: there may be more Keys and Bytes
	Tables    int    // files that hold them
	DiskBytes uint64 // of all files
}

// Err returns nil if there are no problems, and else an error that has them all.
func (r *VerifyReport) Err() error {
	err := errors.Join(r.Problems...)
	if r.Undescribed > 0 {
		err = errors.Join(err, fmt.Errorf("%w: %d more problems", ErrCorrupt, r.Undescribed))
	}
	return err
}

// Verify reads all of the store in dir that nobody has open, and checks it: every
// checksum in the commit log and the object store, every record of the log, that
// timestamps are in order and nothing is missing between log and object store, and
// that the object store has exactly what the log says, as far as that goes back. It
// changes nothing, and makes no file. Progress, unless it is nil, is told how many of
// all bytes are done, about.
//
// What is wrong is in the report. The error says why the rest could not be looked at:
// ErrNilContext, ErrBadOption, the context's, ErrNoStore, ErrInUse, or one of the file
// system.
//
// Verify is for stores with the object store that Options.Dir brings. One that was
// opened with Options.Engine too looks like one without its object store.
func Verify(ctx context.Context, dir string, progress func(done, all int64)) (VerifyReport, error) {
	return lookInto(ctx, dir, &verification{progress: progress, keys: map[string]*logged{}})
}

// Inspect is Verify without reading the tables of the object store, which is most of
// the work, and without comparing it with the log.
func Inspect(ctx context.Context, dir string) (VerifyReport, error) {
	return lookInto(ctx, dir, &verification{})
}

func lookInto(ctx context.Context, dir string, v *verification) (VerifyReport, error) {
	if ctx == nil {
		return VerifyReport{}, ErrNilContext
	}
	if dir == "" {
		return VerifyReport{}, fmt.Errorf("%w: empty name of the directory to look into", ErrBadOption)
	}
	v.ctx, v.fs, v.dir = ctx, fsys.From(ctx), dir
	err := v.run()
	switch {
	case err == nil:
	case errors.Is(err, ErrNoStore), errors.Is(err, ErrInUse):
		err = fmt.Errorf("%w: %s", err, dir)
	default:
		err = fmt.Errorf("tiercel: look into %s: %w", dir, err)
	}
	return v.report, err
}

// verification is a Verify on its way.
type verification struct {
	ctx       context.Context
	fs        fsys.FS
	dir       string
	progress  func(done, all int64)
	done, all int64

	store    storage.StoreID // of the object store
	blind    bool            // that could not be looked at
	inLog    commitlog.Report
	reader   redo.Reader
	prepared []PreparedInfo
	keys     map[string]*logged // nil: the tables are not read
	unsure   bool               // the log may lack some
	report   VerifyReport
}

// problem is something that is wrong with the store.
type problem struct{ kind, err error }

// Error says what and where.
func (p *problem) Error() string { return p.err.Error() }

// Unwrap returns the kind of the problem, and what is the matter.
func (p *problem) Unwrap() []error { return []error{p.kind, p.err} }

// objectsError is an error of the object store as a problem. The store is known, and
// that it is damaged too; what Pebble says twice comes in lines.
type objectsError struct{ error }

// Error says where and what.
func (e *objectsError) Error() string {
	cause := e.error
	if inner := errors.Unwrap(cause); inner != nil {
		cause = inner
	}
	what, _, _ := strings.Cut(cause.Error(), "\n")
	return "object store: " + strings.ReplaceAll(what, pebblestore.ErrCorrupt.Error()+": ", "")
}

// Unwrap returns the error.
func (e *objectsError) Unwrap() error { return e.error }

// mostProblems is how many are described. One cause may have thousands.
const mostProblems = 100

// found takes note of a problem.
func (v *verification) found(kind error, format string, args ...any) {
	if len(v.report.Problems) == mostProblems {
		v.report.Undescribed++
		return
	}
	v.report.Problems = append(v.report.Problems, &problem{kind, fmt.Errorf(format, args...)})
}

// foundIn takes note of an error that log or object store has returned, if it is
// about what is on the disk, and else returns it.
func (v *verification) foundIn(err error) error {
	switch opened := openError(v.dir, err); {
	case errors.Is(opened, ErrCorrupt):
		v.found(ErrCorrupt, "%w", err)
	case errors.Is(opened, ErrVersion):
		v.found(ErrVersion, "%w", err)
	case errors.Is(opened, ErrOtherStore):
		v.found(ErrOtherStore, "%w", err)
	case errors.Is(opened, ErrInUse):
		return ErrInUse
	default:
		return err
	}
	return nil
}

func (v *verification) run() error {
	if err := v.ctx.Err(); err != nil {
		return err
	}
	log, objects, err := v.whatIsThere()
	if err != nil {
		return err
	}
	release, err := v.lock()
	if err != nil {
		return err
	}
	defer release()
	if objects {
		if err := v.lookAtObjects(); err != nil {
			return err
		}
	}
	if log {
		if err := v.readLog(); err != nil {
			return err
		}
	}
	v.compareEnds()
	if objects && v.keys != nil {
		return v.readObjects()
	}
	return nil
}

// whatIsThere tells whether there is a commit log, and an object store.
func (v *verification) whatIsThere() (log, objects bool, err error) {
	if info, err := os.Stat(v.dir); err == nil && !info.IsDir() {
		return false, false, syscall.ENOTDIR
	}
	names, err := v.fs.List(durable.LogDir(v.dir))
	if err != nil && !errors.Is(err, iofs.ErrNotExist) {
		return false, false, err
	}
	log = len(names) > 0
	switch _, err = os.Stat(v.objects()); {
	case err == nil:
		objects = true
	case !errors.Is(err, iofs.ErrNotExist):
		return log, false, err
	}
	if !log && !objects {
		return false, false, ErrNoStore
	}
	return log, objects, nil
}

func (v *verification) objects() string { return filepath.Join(v.dir, objectsName) }

// lock locks the directory as Open does. It does without where there is no lock file:
// then nobody has it open.
func (v *verification) lock() (release func() error, err error) {
	names, err := v.fs.List(v.dir)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(names, lockName) {
		return unlocked, nil
	}
	name := filepath.Join(v.dir, lockName)
	lock, err := v.fs.Lock(name)
	switch {
	case err == nil:
		return lock.Close, nil
	case errors.Is(err, fsys.ErrLocked):
		return nil, ErrInUse
	case errors.Is(err, iofs.ErrPermission), errors.Is(err, syscall.EROFS):
		return v.lockUnwritten(name)
	}
	return nil, err
}

// lockUnwritten is lock for who may not write the lock file; somebody else may, and have
// the store open. It does without where even that cannot be found out.
func (v *verification) lockUnwritten(name string) (release func() error, err error) {
	f, err := v.fs.Read(name)
	if errors.Is(err, iofs.ErrPermission) {
		return unlocked, nil
	}
	if err != nil {
		return nil, err
	}
	err = fsys.LockShared(f)
	if err == nil || errors.Is(err, errors.ErrUnsupported) {
		return f.Close, nil
	}
	if errors.Is(err, fsys.ErrLocked) {
		err = ErrInUse
	}
	return nil, errors.Join(err, f.Close())
}

func unlocked() error { return nil }

// lookAtObjects finds out how far the object store is.
func (v *verification) lookAtObjects() error {
	r, err := pebblestore.Look(nil, v.objects())
	if errors.Is(err, iofs.ErrNotExist) && !errors.Is(err, pebblestore.ErrCorrupt) {
		return nil // Open was stopped while it made it
	}
	v.store = r.Mark.Store
	v.report.Objects = ObjectsReport{Applied: r.Mark.Applied, Keys: r.Keys, Tables: r.Tables, DiskBytes: r.DiskBytes}
	if v.store != (storage.StoreID{}) {
		v.report.StoreID = commitlog.StoreID(v.store).String()
	}
	v.all = 2 * int64(r.TableBytes)
	if err != nil {
		v.blind, v.keys, v.report.Objects.Cut = true, nil, true
		return v.foundIn(&objectsError{err})
	}
	return nil
}

// readLog reads the log.
func (v *verification) readLog() error {
	objects := v.all
	r, err := commitlog.VerifyEach(v.fs, durable.LogDir(v.dir), commitlog.Visitor{
		Group: v.group,
		Progress: func(done, all int64) {
			v.done, v.all = done, all+objects
			v.tell(0)
		},
	})
	if err != nil {
		return err
	}
	v.inLog = r
	for _, err := range r.Errors {
		if err := v.foundIn(err); err != nil {
			return err
		}
	}
	l := &v.report.Log
	l.Segments, l.Spares, l.DiskBytes, l.Groups = r.Segments, r.Spares, r.DiskBytes, r.Frames
	l.Base, l.Closed = r.Base, r.Closed
	if r.Torn != nil {
		l.Torn = fmt.Sprintf("segment %d at offset %d", r.Torn.Segment, r.Torn.Offset)
	}
	if v.report.Prepared = v.prepared; len(v.report.Problems) > 0 {
		v.distrust()
	}
	if r.Segments > 0 && v.report.StoreID == "" {
		v.report.StoreID = r.StoreID.String()
	}
	return nil
}

// distrust has keys not compared with a log that does not say what they must be.
func (v *verification) distrust() {
	clear(v.keys)
	v.unsure = true
}

// tell says that so many more bytes are done.
func (v *verification) tell(more int64) {
	if v.progress != nil {
		v.progress(v.done+more, v.all)
	}
}

// compareEnds compares how far log and object store are. If they do not meet, that says
// it all: the keys are not compared then.
func (v *verification) compareEnds() {
	log, applied := v.inLog, v.report.Objects.Applied
	switch {
	case v.blind:
		return
	case log.Segments == 0 && v.store != (storage.StoreID{}):
		v.found(ErrCorrupt, "the commit log is missing, and the object store, which has commits up to timestamp %d, is used with one", applied)
	case log.Segments == 0:
		return
	case v.store != (storage.StoreID{}) && commitlog.StoreID(v.store) != log.StoreID:
		v.found(ErrOtherStore, "the commit log is of store %s, the object store of %s", log.StoreID, commitlog.StoreID(v.store))
	case log.Base > applied && v.store == (storage.StoreID{}):
		v.found(ErrCorrupt, "commits are missing: there is nothing in the object store, and the log begins after timestamp %d", log.Base)
	case log.Base > applied:
		v.found(ErrCorrupt, "commits are missing: %w", v.beginsLate())
	case log.End < applied && len(log.Errors) == 0:
		v.found(ErrCorrupt, "the object store has commits up to timestamp %d, and the log ends at %d", applied, log.End)
	default:
		return
	}
	v.distrust()
}

// beginsLate names the segment before the first one that is there, as Open does.
func (v *verification) beginsLate() error {
	return &commitlog.CorruptionError{
		Segment: v.inLog.Oldest - 1,
		Reason: fmt.Errorf("%w: the log begins after timestamp %d, and is needed after %d",
			commitlog.ErrSegmentMissing, v.inLog.Base, v.report.Objects.Applied),
	}
}
