package history

import (
	"slices"
	"sync"
	"testing"
	"time"
)

// counting is a clock that goes on by one.
func counting() func() int64 {
	now := int64(0)
	return func() int64 { now++; return now }
}

// put records a write.
func put(p *Pending, k Key) Version {
	v := p.NewVersion()
	p.Put(k, v)
	return v
}

func TestRecorder(t *testing.T) {
	r := NewRecorder(2, counting())
	s := r.Session(1)
	p := s.Begin(Update, Snapshot)
	p.Began(7)
	p.Read(3, 0)
	first := put(p, 3)
	p.Read(3, first)
	mark := p.Mark()
	p.Delete(3)
	p.Read(3, 0)
	p.RollbackTo(mark)
	p.Read(3, first)
	second := put(p, 4)
	q := s.Begin(ReadOnly, Serializable)
	q.Began(8)
	scan := q.Descend(1, 9)
	ok := scan.Next(5, second) && scan.Next(4, first)
	p.Committed(9)
	q.RolledBack()
	if !ok {
		t.Error("keys in order are not taken")
	}
	want := `keys: k0 k1 k2 k3 k4 k5 k6 k7 k8 k9
t1-1: update snapshot 1..3 at=7 commit=9 r(k3)=nothing w(k3) w(k4).3
t1-2: read-only serializable 2..4 at=8 rolled-back r(k5)=t1-1.3 r(k4)=t1-1.1 none(k6..k9)
`
	if got := r.Cut().Text(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if h := r.Cut(); len(h.Txns) != 0 || h.After != 9 || !slices.Equal(h.Before, []Read{{3, first}, {4, second}}) {
		t.Errorf("left %+v", h)
	}
}

func TestRecorderChecksOwnWrites(t *testing.T) {
	for name, read := range map[string]func(p *Pending){
		"an older one":              func(p *Pending) { p.Read(2, p.ID().version(1)) },
		"nothing":                   func(p *Pending) { p.Read(2, 0) },
		"not in a range":            func(p *Pending) { scan := p.Ascend(0, 9); scan.Next(1, p.ID().version(2)); scan.End() },
		"not in a range, upwards":   func(p *Pending) { scan := p.Ascend(0, 9); scan.Next(3, 77) },
		"not in a range, downwards": func(p *Pending) { scan := p.Descend(0, 9); scan.Next(1, p.ID().version(2)) },
		"removed, and there":        func(p *Pending) { p.Delete(2); p.Read(2, p.ID().version(3)) },
	} {
		r := NewRecorder(1, counting())
		p := r.Session(0).Begin(Update, Serializable)
		p.Began(1)
		put(p, 2)
		put(p, 1)
		put(p, 2)
		read(p)
		p.Committed(2)
		h := r.Cut()
		if report := h.Check(Serializable); !report.Has(WrongOwn) || len(h.Own) == 0 {
			t.Errorf("%s: %v", name, &report)
		}
	}
}

func TestScanOutOfOrder(t *testing.T) {
	p := NewRecorder(1, counting()).Session(0).Begin(ReadOnly, Serializable)
	up := p.Ascend(2, 6)
	if !up.Next(3, 1) || up.Next(3, 1) || up.Next(2, 1) || up.Next(6, 1) || !up.Next(5, 1) {
		t.Error("a scan upwards takes keys out of order, or does not take those in order")
	}
	down := p.Descend(2, 6)
	if down.Next(6, 1) || !down.Next(5, 1) || down.Next(5, 1) || !down.Next(2, 1) || down.Next(1, 1) {
		t.Error("a scan downwards takes keys out of order, or does not take those in order")
	}
}

// TestRecorderSideBySide records from many goroutines on a real clock. With -race
// it shows that sessions share nothing.
func TestRecorderSideBySide(t *testing.T) {
	begun := time.Now()
	r := NewRecorder(8, func() int64 { return int64(time.Since(begun)) })
	for range 3 {
		var all sync.WaitGroup
		for n := range 8 {
			all.Go(func() { recordAlone(r.Session(n), Key(n)) })
		}
		all.Wait()
		h := r.Cut()
		if report := h.Check(Serializable); !report.OK() || report.Transactions != 8*1000 {
			t.Fatal(&report)
		}
	}
}

// recordAlone records transactions that write a key which nobody else does.
func recordAlone(s *Session, k Key) {
	for range 1000 {
		p := s.Begin(Update, Serializable)
		ts := uint64(s.number)*8 + uint64(k) // not in the order of all commits, which share no key
		put(p, k)
		p.Committed(ts)
	}
}

func BenchmarkRecorder(b *testing.B) {
	begun := time.Now()
	r := NewRecorder(1, func() int64 { return int64(time.Since(begun)) })
	s := r.Session(0)
	b.ReportAllocs()
	for n := uint64(2); b.Loop(); n++ {
		p := s.Begin(Update, Serializable)
		p.Began(n - 1)
		for k := range Key(4) {
			p.Read(k, 0)
		}
		put(p, 7)
		put(p, 8)
		p.Committed(n)
		if n%100_000 == 0 {
			r.Cut()
		}
	}
}

// TestSoFar takes what is recorded before the end, and makes the same history of it.
func TestSoFar(t *testing.T) {
	s := NewSession(4, counting())
	p := s.Begin(Update, Serializable)
	p.Began(7)
	p.Read(3, 0)
	v := put(p, 5)
	p.Delete(6)
	soFar := p.SoFar()
	p.Read(3, 9)
	put(p, 8)
	p.Read(5, 0)
	p.RolledBack()
	soFar.Commit, soFar.Finish = 8, 2
	h := History{Txns: []Txn{soFar}, Names: []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"}}
	want := "keys: a b c d e f g h i\nt4-1: update serializable 1..2 at=7 commit=8 r(d)=nothing w(f) d(g).2\n"
	if got := h.Text(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := soFar.Writes[0].Version(soFar.ID); got != v {
		t.Errorf("the first write is %v, want %v", got, v)
	}
	if wrong := s.Forget(); len(wrong) != 1 || wrong[0] != (OwnRead{soFar.ID, 5, v, 0}) {
		t.Errorf("wrong answers: %v", wrong)
	}
	if wrong := s.Forget(); len(wrong) != 0 || len(s.txns) != 0 {
		t.Errorf("not forgotten: %v, %v", wrong, s.txns)
	}
}
