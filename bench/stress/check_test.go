package stress

import (
	"errors"
	"slices"
	"testing"

	"github.com/tierceldb/tiercel/txnmgr"
)

// list makes entries from keys of one letter.
func list(keys string) []entry {
	var entries []entry
	for _, k := range keys {
		entries = append(entries, entry{[]byte(string(k)), encode(int64(k))})
	}
	return entries
}

func TestAscending(t *testing.T) {
	for keys, ok := range map[string]bool{"": true, "a": true, "abz": true, "aa": false, "acb": false} {
		if err := ascending(list(keys)); (err == nil) != ok {
			t.Errorf("ascending(%q) = %v", keys, err)
		}
	}
}

func TestMirrored(t *testing.T) {
	for _, c := range []struct {
		up, down string
		ok       bool
	}{
		{"", "", true}, {"abc", "cba", true}, {"abc", "abc", false}, {"abc", "cb", false}, {"a", "", false},
	} {
		if err := mirrored(list(c.up), list(c.down)); (err == nil) != c.ok {
			t.Errorf("mirrored(%q, %q) = %v", c.up, c.down, err)
		}
	}
	if mirrored([]entry{{[]byte("a"), []byte("1")}}, []entry{{[]byte("a"), []byte("2")}}) == nil {
		t.Error("a different value was not noticed")
	}
}

func TestSame(t *testing.T) {
	for _, c := range []struct {
		got, want string
		ok        bool
	}{
		{"abc", "abc", true}, {"ab", "abc", false}, {"abc", "ab", false}, {"abd", "abc", false},
	} {
		if err := same(list(c.got), list(c.want)); (err == nil) != c.ok {
			t.Errorf("same(%q, %q) = %v", c.got, c.want, err)
		}
	}
}

func TestBetween(t *testing.T) {
	for _, c := range []struct{ lo, hi, want string }{
		{"a", "z", "bdf"}, {"b", "f", "bd"}, {"c", "e", "d"}, {"f", "b", ""}, {"d", "d", ""}, {"g", "z", ""},
	} {
		if err := same(between(list("bdf"), []byte(c.lo), []byte(c.hi)), list(c.want)); err != nil {
			t.Errorf("between %s and %s: %v", c.lo, c.hi, err)
		}
	}
}

func TestNumber(t *testing.T) {
	for _, n := range []int64{0, 1, -1, lost, 1 << 40} {
		if got := number(encode(n)); got != n {
			t.Errorf("number(encode(%d)) = %d", n, got)
		}
	}
	if number([]byte("short")) >= 0 {
		t.Error("a value of another length counts as a number that a check may expect")
	}
}

func TestCommitPointProblems(t *testing.T) {
	failed := errors.New("failed")
	for _, c := range []struct {
		name   string
		at     commitPoint
		err    error
		before uint64
		check  Check
		ok     bool
	}{
		{"good", commitPoint{snapshot: 4, ts: 5, notices: 1}, nil, 4, 0, true},
		{"failed", commitPoint{snapshot: 4}, failed, 4, 0, true},
		{"told of a failure", commitPoint{snapshot: 4, ts: 5, notices: 1}, failed, 4, CommitNotice, false},
		{"not told", commitPoint{snapshot: 4}, nil, 4, CommitNotice, false},
		{"told twice", commitPoint{snapshot: 4, ts: 5, notices: 2}, nil, 4, CommitNotice, false},
		{"at the snapshot", commitPoint{snapshot: 5, ts: 5, notices: 1}, nil, 4, CommitOrder, false},
		{"not after the last", commitPoint{snapshot: 4, ts: 5, notices: 1}, nil, 5, CommitOrder, false},
	} {
		check, problem := c.at.problem(c.err, c.before)
		if (problem == nil) != c.ok || (!c.ok && check != c.check) {
			t.Errorf("%s: %v, %v", c.name, check, problem)
		}
	}
}

func TestLeftovers(t *testing.T) {
	clean := txnmgr.Stats{Versions: 10, Objects: 10, TransactionObjects: 11}
	if found := leftovers(clean, 10, 3); len(found) != 0 {
		t.Errorf("a clean end gave %v", found)
	}
	for check, spoil := range map[Check]func(s *txnmgr.Stats){
		NothingActive:  func(s *txnmgr.Stats) { s.Active = 1 },
		OneVersion:     func(s *txnmgr.Stats) { s.Versions = 11 },
		DeletedGone:    func(s *txnmgr.Stats) { s.Versions, s.Objects = 11, 11 },
		CommittedList:  func(s *txnmgr.Stats) { s.CommittedListLength = 1 },
		NothingPinned:  func(s *txnmgr.Stats) { s.PinnedVersions = 1 },
		ObjectsBounded: func(s *txnmgr.Stats) { s.TransactionObjects = 15 },
	} {
		stats := clean
		spoil(&stats)
		found := leftovers(stats, 10, 3)
		if len(found) != 1 || found[0].check != check {
			t.Errorf("%v broken: found %v", check, found)
		}
	}
}

func TestChains(t *testing.T) {
	for versions, violations := range map[int64]uint64{10: 0, 30: 0, 31: 1} {
		var log Log
		log.checkChains(txnmgr.Stats{Versions: versions, Objects: 10})
		if log.Total() != violations {
			t.Errorf("%d versions of 10 objects: %+v", versions, log.Violations())
		}
	}
}

func TestLogKeepsTheFirstDetails(t *testing.T) {
	var log Log
	if v := log.Violations(); v == nil || len(v) != 0 {
		t.Errorf("an empty log gives %#v, want an empty list", v)
	}
	for i := range 10 {
		log.Add(RealTime, "case %d", i)
	}
	log.Add(CommitOrder, "another")
	got := log.Violations()
	if log.Total() != 11 || len(got) != 2 || got[0].Invariant != "I4" || got[0].Count != 10 {
		t.Fatalf("total %d, violations %+v", log.Total(), got)
	}
	if want := []string{"case 0", "case 1", "case 2"}; !slices.Equal(got[0].Details, want) {
		t.Errorf("details %q, want %q", got[0].Details, want)
	}
}
