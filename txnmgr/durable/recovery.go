package durable

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/internal/fsys"
	"github.com/tierceldb/tiercel/storage"
	"github.com/tierceldb/tiercel/storage/commitlog"
	"github.com/tierceldb/tiercel/storage/redo"
)

// lostAtMost is how many timestamps may have been given to commits, and seen by
// somebody, that were lost in a crash because they need not have been durable. They
// are not given again. While the disk stands still, they are bounded by Options.LogBytes
// alone, of which each takes some 50 bytes.
const lostAtMost = 1 << 32

// ErrNoLog says that the log is missing altogether: the engine has been used with one.
var ErrNoLog = errors.New("durable: the commit log is missing")

// recovery brings the manager to the state of log and engine.
type recovery struct {
	s          *Store
	ctx        context.Context
	applied    uint64 // the engine has everything up to here
	reader     redo.Reader
	objects    []*storage.Object // in the table, and not in the ordered index
	superseded int               // versions replaced by newer ones of the same group or an earlier one
	prepared   map[string][]byte // their payloads
}

// recover replays the log, if there is one, and sets the watermarks.
func (s *Store) recover(ctx context.Context, opts Options) error {
	mark := opts.Engine.Mark()
	if opts.Dir == "" {
		if s.id == (storage.StoreID{}) {
			rand.Read(s.id[:]) // never fails
		}
		s.deps.StartAt(max(mark.Applied, 1))
		s.deps.Store.SetApplied(max(mark.Applied, 1))
		return nil
	}
	hasLog := mark.Store != (storage.StoreID{})
	if hasLog && isEmpty(opts.FS, LogDir(opts.Dir)) {
		return ErrNoLog // before one is made
	}
	log, err := commitlog.Open(opts.FS, LogDir(opts.Dir), commitlog.Options{
		StoreID:      commitlog.StoreID(mark.Store),
		SegmentBytes: segmentBytes(opts.LogBytes),
		Spares:       int(opts.LogBytes / segmentBytes(opts.LogBytes)),
	})
	if err != nil {
		return err
	}
	s.log = log
	if hasLog && log.Stats().Segments == 0 {
		return ErrNoLog
	}
	s.deps.Store.SetApplied(max(mark.Applied, 1))
	r := &recovery{s: s, ctx: ctx, applied: mark.Applied, prepared: make(map[string][]byte)}
	// All that is there, since what is prepared may stand before what is applied; but
	// no gap behind that.
	from := mark.Applied
	if st := log.Stats(); st.Segments > 0 {
		from = min(from, st.First)
	}
	s.applier.follow() // before there is something to follow
	if err := log.Replay(from, r.group, opts.Progress); err != nil {
		return err
	}
	s.id = storage.StoreID(log.StoreID())
	if err := r.finish(); err != nil {
		return err
	}
	if !hasLog {
		return s.claim(mark.Applied)
	}
	return nil
}

// isEmpty reports whether there is nothing in a directory, or no directory.
func isEmpty(in fsys.FS, dir string) bool {
	names, err := in.List(dir)
	return len(names) == 0 && (err == nil || errors.Is(err, fs.ErrNotExist))
}

// claim makes the engine that of the log, which is on the disk: from now on a log that is
// missing is not taken for one that was never there.
func (s *Store) claim(applied uint64) error {
	if err := s.engine.Apply(nil, storage.Mark{Store: s.id, Applied: applied}); err != nil {
		return err
	}
	return s.engine.Sync()
}

// finish sets the watermarks, and prepares what is prepared.
func (r *recovery) finish() error {
	s := r.s
	s.deps.Store.EnlistAll(r.objects)
	r.objects = nil
	last := max(s.log.Last(), 1)
	if last < r.applied {
		return fmt.Errorf("%w: %d and %d", ErrBehind, last, r.applied)
	}
	if !s.log.WasClosed() {
		last += lostAtMost
		payload := redo.AppendOpened(redo.AppendHeader(nil), 0, last)
		if err := s.log.Append(commitlog.Frame{First: last, Last: last, Payload: payload}); err != nil {
			return err
		}
	}
	s.deps.StartAt(last)
	for _, payload := range r.prepared {
		r.reader.Reset(payload)
		rec, err := r.reader.Next()
		if err != nil {
			return err
		}
		k := s.restore(rec, payload)
		s.prepared.add(k)
		if err := s.log.Reserve(k.room); err != nil {
			return fmt.Errorf("room for the commit of prepared transaction %q: %w", rec.XID, err)
		}
	}
	return nil
}

// group does a group of the log again.
func (r *recovery) group(f commitlog.Frame) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	var writes []deps.Write
	r.reader.Reset(f.Payload)
	for {
		rec, err := r.reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("group %d to %d of the log: %w", f.First, f.Last, err)
		}
		writes = r.record(f, rec, writes)
	}
	if len(writes) > 0 {
		r.s.deps.Recovered(writes, f.Last, int64(len(f.Payload)), r.superseded)
		r.superseded = 0
		r.s.throttle.add(int64(len(f.Payload)))
	}
	return nil
}

// record does one record again, and appends what it writes.
func (r *recovery) record(f commitlog.Frame, rec *redo.Record, writes []deps.Write) []deps.Write {
	switch rec.Kind {
	case redo.Prepare:
		// Alone in its frame.
		r.prepared[string(rec.XID)] = slices.Clone(f.Payload)
	case redo.Dropped:
		delete(r.prepared, string(rec.XID))
	case redo.Commit:
		delete(r.prepared, string(rec.XID))
		if rec.TS <= r.applied {
			break
		}
		for i := range rec.Writes {
			writes = append(writes, r.write(&rec.Writes[i], rec.TS))
		}
	case redo.Opened:
	}
	return writes
}

// write makes the version of a write the newest of its object, and the only one.
func (r *recovery) write(w *redo.Write, ts uint64) deps.Write {
	store := r.s.deps.Store
	hash := store.Hash(w.Key)
	o := store.Lookup(w.Key, hash)
	var v *storage.Version
	switch {
	case w.Delete:
		v = storage.NewTombstone(nil)
	case o == nil:
		o, v = storage.NewWritten(w.Key, hash, w.Value, nil)
	default:
		v = storage.NewVersion(w.Value, nil)
	}
	if o == nil {
		o = storage.NewObject(w.Key, hash)
	}
	v.Stamp(ts)
	if o.Head() != nil {
		r.superseded++
	}
	o.Replace(v)
	if o.IsFresh() {
		store.Enter(o)
		r.objects = append(r.objects, o)
	}
	return deps.Write{Object: o, Version: v}
}
