package txnmgr_test

import (
	"testing"

	"github.com/tierceldb/tiercel/txnmgr"
)

// TestStats: each way to end a transaction is counted once, where it belongs.
func TestStats(t *testing.T) {
	m := openWith(t, "a", "1", "b", "1") // a commit
	for range 3 {
		r := beginRead(t, m)
		r.Close()
		r.Close()
	}
	empty := begin(t, m)
	wantErr(t, "Commit", empty.Commit())
	rolledBack := begin(t, m)
	rollBackWrites(t, m, rolledBack)
	wantErr(t, "Rollback", rolledBack.Rollback())
	loser := begin(t, m, txnmgr.WithLabel("loser"))
	loseConflict(t, m, loser) // and a commit
	reader := beginRead(t, m)
	defer reader.Close()
	writer := begin(t, m)
	defer writer.Rollback()
	wantErr(t, "Put", writer.Put([]byte("c"), nil))

	s := m.Stats()
	want(t, "begun", s.Begun, 10)
	want(t, "committed", s.Committed, 2)
	want(t, "committed read-only", s.CommittedReadOnly, 4)
	want(t, "rolled back", s.RolledBack, 2)
	want(t, "conflicts", s.Conflicts, 1)
	want(t, "retries", s.Retries, 0)
	want(t, "active", s.Active, 2)
	want(t, "oldest snapshot", s.OldestSnapshot, reader.Snapshot())
	want(t, "visible", s.Visible, writer.Snapshot())
	want(t, "objects", s.Objects, 2)
}
