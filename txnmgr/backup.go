package txnmgr

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/tierceldb/tiercel/storage/redo"
)

// A backup is a header and then chunks, numbers little endian:
//
//	"tiercelB" version 4 snapshot 8 crc 4
//	length 4, crc 4, payload    a commit of package redo, at the snapshot
//	0 4, crc 4, keys 8          the end
//
// Each crc is the CRC32C of all payloads so far, and at the end of the number too, so
// that a chunk that is missing, or twice there, is found.

// ErrNotBackup says that what is to be restored is not a backup, or not whole, or
// damaged. The error says where.
var ErrNotBackup = errors.New("tiercel: not an undamaged backup")

const (
	backupMagic   = "tiercelB"
	backupVersion = 1
	backupHeader  = len(backupMagic) + 4 + 8 + 4
	backupChunk   = 1 << 20 // bytes, about
	longestChunk  = 1<<31 - 1
)

// Backup writes to w all that can be read when it begins, as one state, while others
// go on reading and writing. What is prepared is not part of it. With w it is done
// before it returns; to make that durable is the caller's business.
//
// It reads in a read-only transaction, so Options.MaxAge may end it. The errors are
// ErrNilContext, ErrBadOption if w is nil, the context's, those of BeginRead and of
// reading, and w's.
func (m *Manager) Backup(ctx context.Context, w io.Writer) error {
	if w == nil {
		return fmt.Errorf("%w: nil writer", ErrBadOption)
	}
	return m.View(ctx, func(tx ReadTxn) error {
		b := &backup{out: bufio.NewWriterSize(w, 1<<16), snapshot: tx.Snapshot()}
		b.begin()
		for key, value := range tx.Scan(nil, nil) {
			if b.add(key, value); b.err != nil {
				return fmt.Errorf("tiercel: backup: %w", b.err)
			}
		}
		if err := tx.Err(); err != nil {
			return err
		}
		if err := b.finish(); err != nil {
			return fmt.Errorf("tiercel: backup: %w", err)
		}
		return nil
	})
}

// backup is a Backup on its way.
type backup struct {
	out      *bufio.Writer
	snapshot uint64
	keys     uint64
	sum      uint32
	writes   []byte // of the next chunk
	count    int    // of them
	err      error
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

func (b *backup) begin() {
	head := binary.LittleEndian.AppendUint32([]byte(backupMagic), backupVersion)
	head = binary.LittleEndian.AppendUint64(head, b.snapshot)
	b.sum = crc32.Checksum(head, castagnoli())
	b.write(binary.LittleEndian.AppendUint32(head, b.sum))
}

func (b *backup) write(p []byte) {
	if b.err == nil {
		_, b.err = b.out.Write(p)
	}
}

func (b *backup) add(key, value []byte) {
	b.writes = redo.AppendPut(b.writes, key, value)
	b.count++
	b.keys++
	if len(b.writes) >= backupChunk {
		b.flush()
	}
}

// flush writes a chunk.
func (b *backup) flush() {
	if b.count == 0 {
		return
	}
	head := redo.AppendCommit(redo.AppendHeader(nil), 0, b.snapshot, "", b.count)
	b.chunk(len(head)+len(b.writes), head, b.writes)
	b.writes, b.count = b.writes[:0], 0
}

func (b *backup) chunk(length int, payload ...[]byte) {
	for _, p := range payload {
		b.sum = crc32.Update(b.sum, castagnoli(), p)
	}
	b.write(binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, uint32(length)), b.sum))
	for _, p := range payload {
		b.write(p)
	}
}

func (b *backup) finish() error {
	b.flush()
	b.chunk(0, binary.LittleEndian.AppendUint64(nil, b.keys))
	if b.err != nil {
		return b.err
	}
	return b.out.Flush()
}

// backupReader reads what backup has written.
type backupReader struct {
	in       *bufio.Reader
	at       int64 // bytes read
	sum      uint32
	snapshot uint64
	keys     uint64
	payload  []byte
	reader   redo.Reader
}

func (r *backupReader) fail(what string, err error) error {
	if err == nil {
		return fmt.Errorf("%w: at byte %d: %s", ErrNotBackup, r.at, what)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: cut off at byte %d, in %s", ErrNotBackup, r.at, what)
	}
	return fmt.Errorf("tiercel: restore: %w", err)
}

// take reads n bytes of what. It makes room as they come, for n may be damaged.
func (r *backupReader) take(n int, what string) ([]byte, error) {
	p := r.payload[:0]
	for len(p) < n {
		begin, more := len(p), min(n-len(p), backupChunk)
		p = slices.Grow(p, more)[:begin+more]
		got, err := io.ReadFull(r.in, p[begin:])
		r.at += int64(got)
		if err != nil {
			return nil, r.fail(what, err)
		}
	}
	r.payload = p
	return p, nil
}

func (r *backupReader) begin() error {
	p, err := r.take(backupHeader, "the header")
	if err != nil {
		return err
	}
	head, sum := p[:backupHeader-4], binary.LittleEndian.Uint32(p[backupHeader-4:])
	r.sum = crc32.Checksum(head, castagnoli())
	version := binary.LittleEndian.Uint32(head[len(backupMagic):])
	switch {
	case string(head[:len(backupMagic)]) != backupMagic:
		return r.fail("it does not begin like one", nil)
	case version != backupVersion:
		return fmt.Errorf("%w: backup of format version %d, and this program reads version %d", ErrVersion, version, backupVersion)
	case sum != r.sum:
		return r.fail("the header is damaged", nil)
	}
	r.snapshot = binary.LittleEndian.Uint64(head[len(backupMagic)+4:])
	return nil
}

// next returns the writes of the next chunk, which are valid until the call after
// that, or nil at the end.
func (r *backupReader) next() ([]redo.Write, error) {
	p, err := r.take(8, "the head of a chunk")
	if err != nil {
		return nil, err
	}
	length, sum := binary.LittleEndian.Uint32(p), binary.LittleEndian.Uint32(p[4:])
	if length > longestChunk {
		return nil, r.fail("the length of a chunk is damaged", nil)
	}
	n, what := int(length), "a chunk"
	if length == 0 {
		n, what = 8, "the end"
	}
	if p, err = r.take(n, what); err != nil {
		return nil, err
	}
	if r.sum = crc32.Update(r.sum, castagnoli(), p); r.sum != sum {
		return nil, r.fail(what+" is damaged", nil)
	}
	if length == 0 {
		return nil, r.end(binary.LittleEndian.Uint64(p))
	}
	r.reader.Reset(p)
	rec, err := r.reader.Next()
	if err != nil {
		return nil, fmt.Errorf("%w: in the chunk before byte %d: %w", ErrNotBackup, r.at, err)
	}
	r.keys += uint64(len(rec.Writes))
	return rec.Writes, nil
}

func (r *backupReader) end(keys uint64) error {
	if keys != r.keys {
		return r.fail(fmt.Sprintf("%d keys, and there should be %d", r.keys, keys), nil)
	}
	if _, err := r.in.ReadByte(); err == nil {
		return r.fail("something follows the end", nil)
	} else if !errors.Is(err, io.EOF) {
		return r.fail("the end", err)
	}
	return nil
}
