package txnmgr

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"

	"go.uber.org/atomic"
)

// ErrUnsorted says that keys given to Load do not ascend.
var ErrUnsorted = errors.New("tiercel: keys to load must ascend, each once; sort them first")

const (
	// Load commits so many keys, or so many bytes, at a time.
	loadKeys, loadBytes = 4096, 1 << 20
)

// Load puts many keys where there are none yet. They must ascend. It commits some
// thousands of them at a time, without waiting for the disk in between, and returns
// when all are as durable as a Sync commit is. Others may use the manager meanwhile.
//
// The errors are ErrNilContext, ErrNilFunc, ErrUnsorted, ErrExists if there is a key
// in the range that is filled, those of Put, and those of Commit and Sync. After an
// error, or if the process ends, the keys before some key have been loaded, and the
// others not: Load can go on behind the last that is there, which can be read as soon as
// Load has returned, whatever the error. The context is looked at for every pair.
func (m *Manager) Load(ctx context.Context, pairs iter.Seq2[[]byte, []byte]) error {
	if ctx == nil {
		return ErrNilContext
	}
	if pairs == nil {
		return ErrNilFunc
	}
	l := &load{m: m, ctx: ctx}
	if err := l.all(pairs); err != nil {
		// What has been committed is soon on the disk, and read from then on.
		return errors.Join(err, m.Sync(context.WithoutCancel(ctx)), l.lost.Load())
	}
	if err := m.Sync(ctx); err != nil {
		return err
	}
	return l.lost.Load()
}

// load is a Load on its way.
type load struct {
	m      *Manager
	ctx    context.Context
	keys   [][]byte // that are to be committed next
	values [][]byte
	bytes  int
	last   []byte // key of all that came; nil: none did

	lost atomic.Error // of a commit that had returned already
}

// all takes all pairs.
func (l *load) all(pairs iter.Seq2[[]byte, []byte]) error {
	for key, value := range pairs {
		if err := l.ctx.Err(); err != nil {
			return err
		}
		if err := l.add(key, value); err != nil {
			return err
		}
	}
	return l.commit()
}

// add takes the next pair.
func (l *load) add(key, value []byte) error {
	if err := checkSizes(key, value); err != nil {
		return err
	}
	if l.last != nil && bytes.Compare(key, l.last) <= 0 {
		return fmt.Errorf("%w: %.32q comes after %.32q", ErrUnsorted, key, l.last)
	}
	l.last = append([]byte{}, key...)
	l.keys, l.values = append(l.keys, l.last), append(l.values, bytes.Clone(value))
	if l.bytes += len(key) + len(value); len(l.keys) < loadKeys && l.bytes < loadBytes {
		return nil
	}
	return l.commit()
}

// commit commits what came, if there is nothing in the range that it fills. That
// counts as read: if somebody puts a key there meanwhile it is a conflict.
func (l *load) commit() error {
	if len(l.keys) == 0 {
		return nil
	}
	tx, err := l.m.Begin(l.ctx, WithIsolation(Serializable))
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for key := range tx.Scan(l.keys[0], append(bytes.Clone(l.last), 0)) {
		return fmt.Errorf("%w: load from %.32q to %.32q, and there is %.32q", ErrExists, l.keys[0], l.last, key)
	}
	for i, key := range l.keys {
		if err := tx.Put(key, l.values[i]); err != nil {
			return err
		}
	}
	clear(l.keys)
	clear(l.values)
	l.keys, l.values, l.bytes = l.keys[:0], l.values[:0], 0
	return tx.CommitThen(func(err error) {
		if err != nil {
			l.lost.Store(err)
		}
	})
}
