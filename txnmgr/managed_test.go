package txnmgr_test

import (
	"errors"
	"fmt"
	"iter"

	"github.com/tierceldb/tiercel/internal/script"
	"github.com/tierceldb/tiercel/txnmgr"
)

// managedStore lets scripts run on a Manager.
type managedStore struct{ m *txnmgr.Manager }

func (s managedStore) Purge() { s.m.Purge() }

func (s managedStore) Counts() (objects, versions int64) {
	stats := s.m.Stats()
	return stats.Objects, stats.Versions
}

func (s managedStore) Outcome(err error) string { return outcome(err) }

func (s managedStore) Begin(how script.How) (script.Txn, error) {
	switch how.Level {
	case "read":
		tx, err := s.m.BeginRead(how.Ctx)
		return &scriptReader{tx}, err
	case "snapshot":
		return s.begin(how, txnmgr.Snapshot)
	case "serializable":
		return s.begin(how, txnmgr.Serializable)
	case "any":
		return s.begin(how)
	}
	return nil, fmt.Errorf("no isolation level %q", how.Level)
}

func (s managedStore) begin(how script.How, level ...txnmgr.Isolation) (script.Txn, error) {
	opts := []txnmgr.TxnOption{txnmgr.WithLabel(how.Name)}
	for _, l := range level {
		opts = append(opts, txnmgr.WithIsolation(l))
	}
	if how.Timeout > 0 {
		opts = append(opts, txnmgr.WithTimeout(how.Timeout))
	}
	tx, err := s.m.Begin(how.Ctx, opts...)
	return &scriptWriter{Txn: tx, savepoints: map[string]txnmgr.Savepoint{}}, err
}

// outcome is the word by which scripts and the reference store call an error. A
// forced end also matches ErrTxnDone, so its cause is asked for first.
func outcome(err error) string {
	if word := lockOutcome(err); word != "" {
		return word
	}
	for _, word := range []struct {
		err  error
		word string
	}{
		{nil, "ok"},
		{txnmgr.ErrNotFound, "absent"},
		{txnmgr.ErrExists, "exists"},
		{txnmgr.ErrConflict, "conflict"},
		{txnmgr.ErrTimeout, "timeout"},
		{txnmgr.ErrClosed, "closed"},
		{txnmgr.ErrPrepared, "prepared"},
		{txnmgr.ErrXIDInUse, "xid in use"},
		{txnmgr.ErrUnknownXID, "unknown xid"},
		{txnmgr.ErrLocked, "locked"},
		{txnmgr.ErrTxnDone, "done"},
		{txnmgr.ErrBadSavepoint, "no savepoint"},
		{errReadOnly, "read-only"},
	} {
		if errors.Is(err, word.err) {
			return word.word
		}
	}
	return err.Error()
}

// scriptWriter is an update transaction in a script.
type scriptWriter struct {
	*txnmgr.Txn
	savepoints map[string]txnmgr.Savepoint
}

func (w *scriptWriter) Get(key string) (string, error) {
	value, err := w.Txn.Get([]byte(key))
	return string(value), err
}

func (w *scriptWriter) Put(key, value string) error {
	return w.Txn.Put([]byte(key), []byte(value))
}

func (w *scriptWriter) Insert(key, value string) error {
	return w.Txn.Insert([]byte(key), []byte(value))
}

func (w *scriptWriter) Delete(key string) error { return w.Txn.Delete([]byte(key)) }

func (w *scriptWriter) Scan(r script.Range) iter.Seq2[string, string] { return scan(w.Txn, r) }

func (w *scriptWriter) Savepoint(name string) error {
	w.savepoints[name] = w.Txn.Savepoint()
	return nil
}

func (w *scriptWriter) RollbackTo(name string) error {
	return w.Txn.RollbackTo(w.savepoints[name])
}

// scriptReader is a read-only transaction in a script.
type scriptReader struct{ txnmgr.ReadTxn }

func (r *scriptReader) Get(key string) (string, error) {
	value, err := r.ReadTxn.Get([]byte(key))
	return string(value), err
}

func (r *scriptReader) Scan(a script.Range) iter.Seq2[string, string] { return scan(r.ReadTxn, a) }

func (r *scriptReader) Put(key, value string) error    { return errReadOnly }
func (r *scriptReader) Insert(key, value string) error { return errReadOnly }
func (r *scriptReader) Delete(key string) error        { return errReadOnly }
func (r *scriptReader) Savepoint(name string) error    { return errReadOnly }
func (r *scriptReader) RollbackTo(name string) error   { return errReadOnly }
func (r *scriptReader) Commit() error                  { return r.Close() }
func (r *scriptReader) Rollback() error                { return r.Close() }

// scan turns a transaction's pairs of slices into a script's pairs of strings.
func scan(tx txnmgr.Reader, r script.Range) iter.Seq2[string, string] {
	var hi []byte
	if r.Hi != "" {
		hi = []byte(r.Hi)
	}
	pairs := tx.Scan([]byte(r.Lo), hi)
	if r.Order == script.Descending {
		pairs = tx.ScanDescending([]byte(r.Lo), hi)
	}
	return func(yield func(key, value string) bool) {
		for key, value := range pairs {
			if !yield(string(key), string(value)) {
				return
			}
		}
	}
}
