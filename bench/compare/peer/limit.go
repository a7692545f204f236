package peer

import (
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"sync"
)

const (
	recordHeader = 8 // length and checksum

	// longest is how long the bare log is at most. It need not be longer, since it is
	// used again.
	longest = 256 << 20
)

// limit is the bare log: a file of zeros, and one goroutine that writes what has
// arrived with one write and one sync. At the end of the file it begins again at the
// front, as a log does that uses its segments again. It checks no conflict, keeps no
// object, and knows no order but that of arrival. It does compute the checksums
// without which what is read after a crash cannot be trusted.
type limit struct {
	file *os.File
	size int64
	at   int64 // of the next group; the writer's

	mu      sync.Mutex // protects following fields
	arrived *sync.Cond // something is in next, or closing
	next    *group     // being filled
	spare   *group     // its memory is free
	closing bool

	stopped chan struct{} // closed when the writer has returned
	buffers sync.Pool     // of *limitTx
}

// group is the records that go to the disk together.
type group struct {
	records []byte
	synced  chan struct{} // closed when they are there, or err says why not
	err     error
}

func openLimit(c Config) (Store, error) {
	f, err := os.OpenFile(filepath.Join(c.Dir, "bare.log"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	l := &limit{file: f, size: min(c.log(), longest), next: newGroup(nil), stopped: make(chan struct{})}
	if err := preallocate(f, l.size); err != nil {
		f.Close()
		return nil, err
	}
	l.arrived = sync.NewCond(&l.mu)
	l.buffers.New = func() any { return new(limitTx) }
	go l.write()
	return l, nil
}

// preallocate fills the file with zeros, so that a later sync has no metadata to
// write.
func preallocate(f *os.File, size int64) error {
	zeros := make([]byte, 1<<20)
	for at := int64(0); at < size; at += int64(len(zeros)) {
		if _, err := f.WriteAt(zeros, at); err != nil {
			return err
		}
	}
	return f.Sync()
}

func newGroup(memory []byte) *group {
	return &group{records: memory[:0], synced: make(chan struct{})}
}

// limitTx is the record of one transaction.
type limitTx struct{ record []byte }

// Get fails.
func (t *limitTx) Get([]byte) ([]byte, error) { return nil, ErrNoObjects }

// Put appends to the record.
func (t *limitTx) Put(key, value []byte) error {
	t.record = binary.AppendUvarint(t.record, uint64(len(key)))
	t.record = append(t.record, key...)
	t.record = binary.AppendUvarint(t.record, uint64(len(value)))
	t.record = append(t.record, value...)
	return nil
}

// Update hands a record to the writer and waits until it is on the disk.
func (l *limit) Update(fn func(tx Tx) error) error {
	tx := l.buffers.Get().(*limitTx)
	defer l.buffers.Put(tx)
	tx.record = append(tx.record[:0], make([]byte, recordHeader)...)
	if err := fn(tx); err != nil {
		return err
	}
	binary.LittleEndian.PutUint32(tx.record, uint32(len(tx.record)-recordHeader))
	binary.LittleEndian.PutUint32(tx.record[4:], crc32.Checksum(tx.record[recordHeader:], crc32.MakeTable(crc32.Castagnoli)))
	l.mu.Lock()
	g := l.next
	g.records = append(g.records, tx.record...)
	l.mu.Unlock()
	l.arrived.Signal()
	<-g.synced
	return g.err
}

// write is the one writer.
func (l *limit) write() {
	defer close(l.stopped)
	for {
		g := l.take()
		if g == nil {
			return
		}
		g.err = l.put(g.records)
		close(g.synced)
		l.mu.Lock()
		l.spare = g
		l.mu.Unlock()
	}
}

// take waits for a group; nil is the end.
func (l *limit) take() *group {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.next.records) == 0 {
		if l.closing {
			return nil
		}
		l.arrived.Wait()
	}
	g := l.next
	var memory []byte
	if l.spare != nil {
		memory = l.spare.records
	}
	l.next = newGroup(memory)
	return g
}

// put writes and syncs.
func (l *limit) put(records []byte) error {
	if l.at+int64(len(records)) > l.size {
		l.at = 0
	}
	if _, err := l.file.WriteAt(records, l.at); err != nil {
		return err
	}
	l.at += int64(len(records))
	return datasync(l.file)
}

// Select fails.
func (l *limit) Select([]byte, func([]byte)) error { return ErrNoObjects }

// Rest returns at once.
func (*limit) Rest() error { return nil }

// Close stops the writer.
func (l *limit) Close() error {
	l.mu.Lock()
	l.closing = true
	l.mu.Unlock()
	l.arrived.Signal()
	<-l.stopped
	return l.file.Close()
}
