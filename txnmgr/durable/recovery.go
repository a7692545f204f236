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
	s        *Store
	ctx      context.Context
	applied  uint64 // the engine has everything up to here
	reader   redo.Reader
	writes   []redoing // of the group that is read
	redoers  redoers
	prepared map[string][]byte // their payloads
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
	r := &recovery{
		s: s, ctx: ctx, applied: mark.Applied, redoers: newRedoers(s.deps.Store), prepared: make(map[string][]byte),
	}
	// All that is there, since what is prepared may stand before what is applied; but
	// no gap behind that.
	from := mark.Applied
	if st := log.Stats(); st.Segments > 0 {
		from = min(from, st.First)
	}
	s.applier.follow() // before there is something to follow
	if err := log.Replay(from, r.groups, opts.Progress); err != nil {
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
	s.deps.Store.EnlistAll(r.redoers.objects())
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

// groups does groups of the log again.
func (r *recovery) groups(frames []commitlog.Frame) error {
	done := make([][]deps.Write, len(frames))
	for i, f := range frames {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		if err := r.read(f); err != nil {
			return fmt.Errorf("group %d to %d of the log: %w", f.First, f.Last, err)
		}
		done[i] = make([]deps.Write, len(r.writes))
		for n, w := range r.writes {
			w.done = &done[i][n]
			r.redoers.add(w)
		}
	}
	r.redoers.run()
	superseded := r.redoers.superseded()
	for i, f := range frames {
		if len(done[i]) > 0 {
			r.s.deps.Recovered(done[i], f.Last, int64(len(f.Payload)), superseded)
			superseded = 0
			r.s.throttle.add(weightOf(int64(len(f.Payload)), len(done[i])))
		}
	}
	return nil
}

// read finds out what a group has written.
func (r *recovery) read(f commitlog.Frame) error {
	r.writes = r.writes[:0]
	r.reader.Reset(f.Payload)
	for {
		rec, err := r.reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		r.record(f, rec)
	}
}

// record takes a record.
func (r *recovery) record(f commitlog.Frame, rec *redo.Record) {
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
		for _, w := range rec.Writes {
			r.writes = append(r.writes, redoing{Write: w, ts: rec.TS, hash: r.s.deps.Store.Hash(w.Key)})
		}
	case redo.Opened:
	}
}
