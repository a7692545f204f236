package faultfs

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"maps"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"github.com/tierceldb/tiercel/internal/fsys"
)

// Op is a change of the file system.
type Op int

// The changes.
const (
	Create Op = iota
	Write
	Allocate
	Datasync
	Rename
	Remove
	SyncDir
	Lock
)

// Short is an error that Fail can give for a Write of which the first bytes are
// written nevertheless.
type Short struct {
	Bytes int
	Err   error
}

// Error is the error's own text.
func (s *Short) Error() string { return s.Err.Error() }

// Unwrap returns Err.
func (s *Short) Unwrap() error { return s.Err }

// wroteBefore is how many bytes were written before an error.
func wroteBefore(err error) int {
	if short := new(Short); errors.As(err, &short) {
		return short.Bytes
	}
	return 0
}

// FS is the file system.
type FS struct {
	mu      sync.Mutex // protects the following fields and all nodes
	watch   func(Op, string)
	fail    func(Op, string) error
	names   map[string]*node
	disk    map[string]*node // names, as of the last sync of their directory
	pending []naming         // since then, in order
	dirs    map[string]bool
	locked  map[string]bool
	room    int64
}

// naming is a change of names in a directory.
type naming struct {
	from, to string // "" if there was, or is, none
	node     *node
}

// dir is the directory of the name.
func (n naming) dir() string { return filepath.Dir(cmp.Or(n.from, n.to)) }

// apply changes names, as far as they are what they were.
func (n naming) apply(names map[string]*node) {
	if n.from != "" && names[n.from] == n.node {
		delete(names, n.from)
	}
	if n.to != "" {
		names[n.to] = n.node
	}
}

var _ fsys.FS = (*FS)(nil)

// New returns an empty file system.
func New() *FS {
	return &FS{
		names:  make(map[string]*node),
		disk:   make(map[string]*node),
		dirs:   make(map[string]bool),
		locked: make(map[string]bool),
		room:   math.MaxInt64,
	}
}

// Watch has f called after each change. It may call Crash.
func (s *FS) Watch(f func(op Op, name string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch = f
}

// Fail has f asked before each change. If it returns an error, the change fails
// with it.
func (s *FS) Fail(f func(op Op, name string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = f
}

// Limit leaves room for so many more bytes. What is removed makes room.
func (s *FS) Limit(bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.room = bytes
}

// take uses up room.
func (s *FS) take(bytes int64) error {
	bytes = max(0, bytes)
	if bytes > s.room {
		return syscall.ENOSPC
	}
	s.room -= bytes
	return nil
}

// do makes a change, which is told the error it must return, if any.
func (s *FS) do(op Op, name string, change func(error) error) error {
	s.mu.Lock()
	fail := s.fail
	s.mu.Unlock()
	var err error
	if fail != nil {
		err = fail(op, name)
	}
	s.mu.Lock()
	err = change(err)
	watch := s.watch
	s.mu.Unlock()
	if err != nil {
		return &fs.PathError{Op: "fault", Path: name, Err: err}
	}
	if watch != nil {
		watch(op, name)
	}
	return nil
}

// Crash returns what may be there after a crash now. Nothing is open or locked in
// it.
func (s *FS) Crash(dice *rand.Rand) *FS {
	s.mu.Lock()
	defer s.mu.Unlock()
	after := New()
	maps.Copy(after.dirs, s.dirs)
	nodes := make(map[*node]*node)
	for name, n := range s.crashedNames(dice) {
		if nodes[n] == nil {
			nodes[n] = n.crashed(dice)
		}
		after.names[name], after.disk[name] = nodes[n], nodes[n]
	}
	return after
}

// crashedNames are the names after a crash: of the changes, the first ones, or
// any.
func (s *FS) crashedNames(dice *rand.Rand) map[string]*node {
	names := maps.Clone(s.disk)
	if dice.IntN(2) == 0 {
		for _, n := range s.pending[:dice.IntN(len(s.pending)+1)] {
			n.apply(names)
		}
		return names
	}
	for _, n := range s.pending {
		if dice.IntN(2) == 0 {
			n.apply(names)
		}
	}
	return names
}

// Contents returns what a file holds.
func (s *FS) Contents(name string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.names[name].now)
}

// Put makes a file hold something, on the disk too.
func (s *FS) Put(name string, contents []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := &node{now: slices.Clone(contents), disk: slices.Clone(contents)}
	s.names[name], s.disk[name] = n, n
}

// rename changes names.
func (s *FS) rename(n naming) {
	n.apply(s.names)
	s.pending = append(s.pending, n)
}

func (s *FS) open(name string) (fsys.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.names[name]
	if n == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &file{fs: s, node: n, name: name}, nil
}

// Create is that of fsys.FS, like all that follow.
func (s *FS) Create(name string) (fsys.File, error) {
	err := s.do(Create, name, func(err error) error {
		if err == nil && s.names[name] != nil {
			err = fs.ErrExist
		}
		if err == nil {
			s.rename(naming{to: name, node: &node{}})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.open(name)
}

// Direct opens what takes whole blocks only.
func (s *FS) Direct(name string) (fsys.File, error) {
	f, err := s.open(name)
	if err != nil {
		return nil, err
	}
	return direct{f}, nil
}

// Read opens, too, for writing.
func (s *FS) Read(name string) (fsys.File, error) { return s.open(name) }

// Rename changes a name.
func (s *FS) Rename(from, to string) error {
	return s.do(Rename, from, func(err error) error {
		n := s.names[from]
		if err == nil && n == nil {
			err = fs.ErrNotExist
		}
		if err == nil {
			s.rename(naming{from: from, to: to, node: n})
		}
		return err
	})
}

// Remove removes a name.
func (s *FS) Remove(name string) error {
	return s.do(Remove, name, func(err error) error {
		n := s.names[name]
		if err == nil && n == nil {
			err = fs.ErrNotExist
		}
		if err == nil {
			s.rename(naming{from: name, node: n})
			s.room += min(int64(len(n.now)), math.MaxInt64-s.room)
		}
		return err
	})
}

// List lists a directory.
func (s *FS) List(dir string) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.dirs[dir] {
		return nil, &fs.PathError{Op: "list", Path: dir, Err: fs.ErrNotExist}
	}
	var names []string
	for name := range s.names {
		if filepath.Dir(name) == dir {
			names = append(names, filepath.Base(name))
		}
	}
	slices.Sort(names)
	return names, nil
}

// MkdirAll makes a directory.
func (s *FS) MkdirAll(dir string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirs[dir] = true
	return nil
}

// Resolve knows no links, and no place where a program could be.
func (s *FS) Resolve(dir string) (string, error) { return filepath.Clean(dir), nil }

// SyncDir syncs names. If it fails, those that changed are lost in a crash.
func (s *FS) SyncDir(dir string) error {
	return s.do(SyncDir, dir, func(err error) error {
		s.pending = slices.DeleteFunc(s.pending, func(n naming) bool {
			if n.dir() != dir {
				return false
			}
			if err == nil {
				n.apply(s.disk)
			}
			return true
		})
		return err
	})
}

// Lock locks until it is closed.
func (s *FS) Lock(name string) (io.Closer, error) {
	err := s.do(Lock, name, func(err error) error {
		if err == nil && s.locked[name] {
			err = fsys.ErrLocked
		}
		if err == nil && s.names[name] == nil {
			s.rename(naming{to: name, node: &node{}})
		}
		if err == nil {
			s.locked[name] = true
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return unlock(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.locked, name)
	}), nil
}

// unlock is a lock that is held.
type unlock func()

// Close unlocks.
func (u unlock) Close() error {
	u()
	return nil
}
