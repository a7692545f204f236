package txnmgr_test

import (
	"bytes"
	"context"
	"iter"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/tierceldb/tiercel/storage/memstore"
	"github.com/tierceldb/tiercel/storage/pebblestore"
	"github.com/tierceldb/tiercel/txnmgr"
)

func TestNilContext(t *testing.T) {
	var none context.Context
	_, err := txnmgr.Open(none, txnmgr.Options{})
	wantErr(t, "Open", err, txnmgr.ErrNilContext)

	m := open(t, txnmgr.Options{})
	_, err = m.Begin(none)
	wantErr(t, "Begin", err, txnmgr.ErrNilContext)
	_, err = m.BeginRead(none)
	wantErr(t, "BeginRead", err, txnmgr.ErrNilContext)
	err = m.Update(none, func(*txnmgr.Txn) error { t.Error("Update called fn"); return nil })
	wantErr(t, "Update", err, txnmgr.ErrNilContext)
	err = m.View(none, func(txnmgr.ReadTxn) error { t.Error("View called fn"); return nil })
	wantErr(t, "View", err, txnmgr.ErrNilContext)
	want(t, "active", m.Stats().Active, 0)
}

func TestNilFunc(t *testing.T) {
	m := open(t, txnmgr.Options{})
	wantErr(t, "Update", m.Update(context.Background(), nil), txnmgr.ErrNilFunc)
	wantErr(t, "View", m.View(context.Background(), nil), txnmgr.ErrNilFunc)
	want(t, "active", m.Stats().Active, 0)
}

func TestBadOptions(t *testing.T) {
	for _, opts := range []txnmgr.Options{
		{Isolation: 2}, {Isolation: -1}, {MaxAge: -1}, {Retries: -1}, {Durability: 2}, {Durability: -1},
		{CacheBytes: -1}, {CacheBytes: 1}, {CacheBytes: 1<<40 + 1}, {CacheBytes: math.MaxInt64},
		{LogBytes: -1}, {LogBytes: 1}, {Engine: (*pebblestore.Store)(nil)}, {Engine: (*memstore.Store)(nil)},
	} {
		_, err := txnmgr.Open(context.Background(), opts)
		wantErr(t, "Open", err, txnmgr.ErrBadOption)
	}
	for name, opt := range map[string]txnmgr.TxnOption{
		"nil option":         nil,
		"isolation 2":        txnmgr.WithIsolation(2),
		"isolation -1":       txnmgr.WithIsolation(-1),
		"no timeout":         txnmgr.WithTimeout(0),
		"negative timeout":   txnmgr.WithTimeout(-time.Second),
		"less than no retry": txnmgr.WithRetry(-1),
	} {
		t.Run(name, func(t *testing.T) { refuses(t, opt) })
	}
}

// refuses checks that no way to begin takes an option, be it the second one.
func refuses(t *testing.T, opt txnmgr.TxnOption) {
	m, ctx := open(t, txnmgr.Options{}), context.Background()
	opts := []txnmgr.TxnOption{txnmgr.WithLabel("fine"), opt}
	_, err := m.Begin(ctx, opts...)
	wantErr(t, "Begin", err, txnmgr.ErrBadOption)
	_, err = m.BeginRead(ctx, opts...)
	wantErr(t, "BeginRead", err, txnmgr.ErrBadOption)
	err = m.Update(ctx, func(*txnmgr.Txn) error { t.Error("Update called fn"); return nil }, opts...)
	wantErr(t, "Update", err, txnmgr.ErrBadOption)
	err = m.View(ctx, func(txnmgr.ReadTxn) error { t.Error("View called fn"); return nil }, opts...)
	wantErr(t, "View", err, txnmgr.ErrBadOption)
	want(t, "active", m.Stats().Active, 0)
}

// TestEmptyKey: it is a key like any other, the first in order, and nil means it too.
func TestEmptyKey(t *testing.T) {
	m := openWith(t, "a", "1", "\x00", "0")
	tx := begin(t, m)
	_, err := tx.Get(nil)
	wantErr(t, "Get before", err, txnmgr.ErrNotFound)
	wantErr(t, "Insert", tx.Insert(nil, []byte("empty")))
	wantErr(t, "Insert again", tx.Insert([]byte{}, []byte("again")), txnmgr.ErrExists)
	want(t, "own scan", join(tx.Scan(nil, nil)), "=empty \x00=0 a=1")
	wantErr(t, "Commit", tx.Commit())

	r := beginRead(t, m)
	defer r.Close()
	value, err := r.Get([]byte{})
	want(t, "value", string(value), "empty")
	wantErr(t, "Get", err)
	want(t, "scan", join(r.Scan(nil, nil)), "=empty \x00=0 a=1")
	want(t, "descending", join(r.ScanDescending([]byte{}, []byte("\x00"))), "=empty")
	for key := range r.Scan(nil, []byte("\x00")) {
		want(t, "key is nil", key == nil, false)
	}

	tx = begin(t, m)
	wantErr(t, "Delete", tx.Delete([]byte{}))
	wantErr(t, "Commit", tx.Commit())
	want(t, "after", contents(t, m), "\x00=0 a=1")
}

// TestNilValue: it is stored as the empty value, which is not the same as no value.
func TestNilValue(t *testing.T) {
	m := open(t, txnmgr.Options{})
	tx := begin(t, m)
	wantErr(t, "Put", tx.Put([]byte("k"), nil))
	emptyValue(t, tx)
	wantErr(t, "Insert", tx.Insert([]byte("k"), []byte("v")), txnmgr.ErrExists)
	wantErr(t, "Commit", tx.Commit())
	r := beginRead(t, m)
	defer r.Close()
	emptyValue(t, r)
}

// emptyValue checks that k has a value of length 0.
func emptyValue(t *testing.T, tx txnmgr.Reader) {
	t.Helper()
	value, err := tx.Get([]byte("k"))
	if err != nil || value == nil || len(value) != 0 {
		t.Errorf("Get: %#v, %v, want an empty value", value, err)
	}
	n := 0
	for _, value := range tx.Scan(nil, nil) {
		n++
		if value == nil || len(value) != 0 {
			t.Errorf("Scan: %#v, want an empty value", value)
		}
	}
	want(t, "pairs", n, 1)
}

func TestKeySizes(t *testing.T) {
	m := open(t, txnmgr.Options{})
	largest := bytes.Repeat([]byte("k"), txnmgr.MaxKeySize)
	huge := append(largest[:len(largest):len(largest)], 'k')
	tx := begin(t, m)
	wantErr(t, "Put", tx.Put(huge, nil), txnmgr.ErrKeyTooLarge)
	wantErr(t, "Insert", tx.Insert(huge, nil), txnmgr.ErrKeyTooLarge)
	wantErr(t, "Delete", tx.Delete(huge), txnmgr.ErrKeyTooLarge)
	_, err := tx.Get(huge)
	wantErr(t, "Get", err, txnmgr.ErrNotFound)
	want(t, "scan", join(tx.Scan(huge, append(huge, 'z'))), "")
	wantErr(t, "Put of the largest", tx.Put(largest, []byte("v")))
	wantErr(t, "Commit", tx.Commit())

	r := beginRead(t, m)
	defer r.Close()
	value, err := r.Get(largest)
	wantErr(t, "Get of the largest", err)
	want(t, "value", string(value), "v")
	_, err = r.Get(huge)
	wantErr(t, "Get", err, txnmgr.ErrNotFound)
	want(t, "scan", join(r.Scan(huge, nil)), "")
}

// TestRanges: ranges that are empty in some way yield nothing, and are no errors.
func TestRanges(t *testing.T) {
	m := openWith(t, "a", "1", "b", "2", "c", "3")
	r := beginRead(t, m)
	defer r.Close()
	tx := begin(t, m)
	defer tx.Rollback()
	for _, c := range []struct {
		name   string
		lo, hi []byte
		want   string
	}{
		{"all", nil, nil, "a=1 b=2 c=3"},
		{"empty lo", []byte{}, nil, "a=1 b=2 c=3"},
		{"to hi", nil, []byte("b"), "a=1"},
		{"from lo", []byte("b"), nil, "b=2 c=3"},
		{"lo to hi", []byte("a\x00"), []byte("b\x00"), "b=2"},
		{"lo is hi", []byte("b"), []byte("b"), ""},
		{"lo above hi", []byte("c"), []byte("a"), ""},
		{"empty hi", nil, []byte{}, ""},
		{"empty hi below lo", []byte("a"), []byte{}, ""},
		{"between keys", []byte("b1"), []byte("b2"), ""},
		{"above all", []byte("d"), nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, reader := range []txnmgr.Reader{r, tx} {
				want(t, "Scan", join(reader.Scan(c.lo, c.hi)), c.want)
				want(t, "ScanDescending", join(reader.ScanDescending(c.lo, c.hi)), backwards(c.want))
				wantErr(t, "Err", reader.Err())
			}
		})
	}
}

// backwards turns the words of a text around.
func backwards(text string) string {
	var out []string
	for _, word := range strings.Fields(text) {
		out = append([]string{word}, out...)
	}
	return strings.Join(out, " ")
}

func TestPrefixEnd(t *testing.T) {
	for _, c := range []struct{ prefix, end []byte }{
		{nil, nil},
		{[]byte{}, nil},
		{[]byte("a"), []byte("b")},
		{[]byte("a/"), []byte("a0")},
		{[]byte("a\xff"), []byte("b")},
		{[]byte("a\xff\xff"), []byte("b")},
		{[]byte("\xff\xff"), nil},
	} {
		prefix := bytes.Clone(c.prefix)
		end := txnmgr.PrefixEnd(c.prefix)
		if !bytes.Equal(end, c.end) || (end == nil) != (c.end == nil) {
			t.Errorf("PrefixEnd(%q) is %q, want %q", c.prefix, end, c.end)
		}
		if !bytes.Equal(c.prefix, prefix) {
			t.Errorf("PrefixEnd(%q) changed its argument", prefix)
		}
	}
}

// TestAbandonedIterators: a scan may be left at any point, and begun anew.
func TestAbandonedIterators(t *testing.T) {
	m := openWith(t, "a", "1", "b", "2", "c", "3")
	r := beginRead(t, m)
	tx := begin(t, m)
	wantErr(t, "Put", tx.Put([]byte("bb"), []byte("own")))
	for _, reader := range []txnmgr.Reader{r, tx} {
		abandon(t, reader.Scan(nil, nil), "a")
		abandon(t, reader.ScanDescending(nil, nil), "c")
		nested(t, reader)
		wantErr(t, "Err", reader.Err())
	}
	wantErr(t, "Commit", tx.Commit())
	wantErr(t, "Close", r.Close())
	want(t, "active", m.Stats().Active, 0)
	want(t, "after", contents(t, m), "a=1 b=2 bb=own c=3")
}

// abandon leaves a scan behind its first key in each way there is.
func abandon(t *testing.T, pairs iter.Seq2[[]byte, []byte], first string) {
	t.Helper()
	for key := range pairs {
		want(t, "first key, by range", string(key), first)
		break
	}
	next, stop := iter.Pull2(pairs)
	key, _, _ := next()
	want(t, "first key, by Pull", string(key), first)
	stop()
	_, _, more := next()
	want(t, "more after stop", more, false)
	_, stop = iter.Pull2(pairs) // never asked for anything
	stop()
}

// nested runs scans within scans.
func nested(t *testing.T, tx txnmgr.Reader) {
	t.Helper()
	outer, inner := 0, 0
	for key := range tx.Scan(nil, nil) {
		outer++
		for range tx.ScanDescending(nil, key) {
			inner++
		}
		if _, err := tx.Get(key); err != nil {
			t.Errorf("Get(%q) within a scan: %v", key, err)
		}
	}
	want(t, "inner steps", inner, outer*(outer-1)/2)
}
