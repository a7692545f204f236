package enginetest

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tierceldb/tiercel/storage"
)

// content is what an engine should have.
type content map[string]pair

// between is a scan.
func (c content) between(lo, hi []byte, order storage.Order) []pair {
	var found []pair
	for key, p := range c {
		if bytes.Compare([]byte(key), lo) >= 0 && (hi == nil || bytes.Compare([]byte(key), hi) < 0) {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b pair) int { return strings.Compare(a.key, b.key) })
	if order == storage.Descending {
		slices.Reverse(found)
	}
	return found
}

// with is the content after some changes.
func (c content) with(changes []storage.Change) content {
	next := maps.Clone(c)
	for _, change := range changes {
		key := string(change.Key)
		if delete(next, key); !change.Delete {
			next[key] = pair{key, string(change.Value), change.TS}
		}
	}
	return next
}

// model is an engine beside what it should have had after each Apply.
type model struct {
	*engine
	opener Opener
	states []content // by applied timestamp
	synced uint64
	scans  []scan
}

// scan is an open iterator beside what it should still find.
type scan struct {
	it   storage.Iterator
	want []pair
}

// testRandom compares an engine with its model through random calls.
func testRandom(t *testing.T, fresh func(t *testing.T) Opener) {
	rapid.Check(t, func(rt *rapid.T) {
		opener := fresh(t)
		m := &model{engine: open(rt, opener), opener: opener, states: []content{{}}}
		rt.Repeat(map[string]func(*rapid.T){
			"":         m.check,
			"apply":    m.drawApply,
			"again":    m.drawApply, // twice as likely
			"load":     m.drawLoad,
			"scan":     m.drawScan,
			"continue": m.drawContinue,
			"sync":     func(*rapid.T) { m.sync(); m.synced = m.applied },
			"reopen":   func(*rapid.T) { m.reopen() },
		})
		m.reopen()
		m.close()
	})
}

// check is done after each call.
func (m *model) check(t *rapid.T) {
	if mark := m.Mark(); mark.Applied != m.applied || mark.Applied > 0 && mark.Store != id() {
		t.Fatalf("mark %v, want %d", mark, m.applied)
	}
	persisted := m.Persisted()
	if persisted < m.synced || persisted > m.applied {
		t.Fatalf("persisted %d, synced %d, applied %d", persisted, m.synced, m.applied)
	}
	m.synced = persisted
}

// keys are few, so that they meet again.
func keys() *rapid.Generator[string] {
	bytes := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 'a', 'b', 0xff}), 0, 3)
	return rapid.Map(bytes, func(b []byte) string { return string(b) })
}

func drawKey(t *rapid.T, label string) []byte { return []byte(keys().Draw(t, label)) }

func (m *model) drawApply(t *rapid.T) {
	lengths := rapid.MapOfN(keys(), rapid.IntRange(-1, 60), 0, 8).Draw(t, "keys and lengths")
	var changes []storage.Change
	for _, key := range slices.Sorted(maps.Keys(lengths)) {
		ts := rapid.Uint64().Draw(t, "timestamp")
		change := gone(key, ts)
		if n := lengths[key]; n >= 0 {
			value := fmt.Sprintf("%d %s", m.applied, strings.Repeat("x", n*n*n/20))
			change = set(key, value, ts)
		}
		changes = append(changes, change)
	}
	m.states = append(m.states, m.now().with(changes))
	m.apply(changes...)
}

func (m *model) now() content { return m.states[m.applied] }

func (m *model) drawLoad(t *rapid.T) {
	key := string(drawKey(t, "key"))
	if want, ok := m.now()[key]; ok {
		m.expect(key, want.value, want.ts)
	} else {
		m.absent(key)
	}
}

// drawScan opens one and leaves it to the others.
func (m *model) drawScan(t *rapid.T) {
	lo, hi := drawKey(t, "lo"), drawKey(t, "hi")
	if rapid.IntRange(0, 2).Draw(t, "bounded") == 0 {
		hi = nil
	}
	order := orders[rapid.IntRange(0, 1).Draw(t, "order")]
	m.scans = append(m.scans, scan{m.scan(lo, hi, order), m.now().between(lo, hi, order)})
}

// drawContinue takes a few steps of one of the open scans.
func (m *model) drawContinue(t *rapid.T) {
	if len(m.scans) == 0 {
		return
	}
	i := rapid.IntRange(0, len(m.scans)-1).Draw(t, "scan")
	s := &m.scans[i]
	for range rapid.IntRange(1, 9).Draw(t, "steps") {
		if len(s.want) == 0 {
			m.finish(i)
			return
		}
		if !s.it.Next() {
			t.Fatalf("a scan ended before %v: %v", s.want[0], s.it.Err())
		}
		if got := (pair{string(s.it.Key()), string(s.it.Value()), s.it.TS()}); got != s.want[0] {
			t.Fatalf("a scan is at %v, want %v", got, s.want[0])
		}
		s.want = s.want[1:]
	}
}

// finish takes a scan to its end.
func (m *model) finish(i int) {
	m.t.Helper()
	s := m.scans[i]
	m.scans = slices.Delete(m.scans, i, i+1)
	if got := m.drain(s.it); !slices.Equal(got, s.want) {
		m.t.Fatalf("the rest of a scan is %v, want %v", got, s.want)
	}
}

// reopen closes everything, and compares with the state that the mark names.
func (m *model) reopen() {
	for len(m.scans) > 0 {
		m.finish(0)
	}
	m.close()
	last := m.applied
	m.engine = open(m.t, m.opener)
	if m.applied < m.synced || m.applied > last {
		m.t.Fatalf("opened again at %d, after %d were persisted of %d", m.applied, m.synced, last)
	}
	m.states, m.synced = m.states[:m.applied+1], m.applied
	for _, order := range orders {
		got, want := m.drain(m.scan(nil, nil, order)), m.now().between(nil, nil, order)
		if !slices.Equal(got, want) {
			m.t.Fatalf("opened again at %d with %v, want %v", m.applied, got, want)
		}
	}
}
