package history

import (
	"fmt"
	"testing"
)

// large returns a history of n transactions of which up to 64 are open at once, on
// 1,000 keys.
func large(tb testing.TB, n int, levels ...Level) *History {
	s := newSim(newRand(tb), 1000, 64, levels...)
	s.reach = 10
	return s.run(n)
}

// TestLargeHistory checks a history long enough for anything quadratic, or
// recursive, to show.
func TestLargeHistory(t *testing.T) {
	n := 100_000
	if testing.Short() {
		n = 10_000
	}
	for _, level := range []Level{Serializable, Snapshot} {
		h := large(t, n, level)
		r := h.Check(level)
		if !r.OK() || r.Transactions < n {
			t.Fatalf("%v: %v", level, &r)
		}
		t.Logf("%v: %d transactions, %d edges", level, r.Transactions, r.Edges)
	}
}

// TestLargeBrokenHistory sees to it that a history that is wrong all over is
// reported in good time, too: here all of it is one component.
func TestLargeBrokenHistory(t *testing.T) {
	h := large(t, 20_000, Snapshot)
	for i := range h.Txns {
		t := &h.Txns[i]
		t.Level, t.Snapshot = Serializable, 0
		for n := range t.Reads {
			if i%10 == 0 && t.Reads[n].Version != 0 {
				t.Reads[n].Version = older(&History{Txns: h.Txns[:100]}, t.Reads[n])
			}
		}
	}
	for _, level := range []Level{Serializable, Snapshot} {
		if r := h.Check(level); r.Cycles == 0 || len(r.Anomalies) == 0 {
			t.Fatalf("%v: %v", level, &r)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	for _, level := range []Level{Serializable, Snapshot} {
		for _, n := range []int{10_000, 100_000, 1_000_000} {
			b.Run(fmt.Sprintf("level=%v/transactions=%d", level, n), func(b *testing.B) {
				h := large(b, n, level)
				b.ReportAllocs()
				var r Report
				for b.Loop() {
					if r = h.Check(level); !r.OK() {
						b.Fatal(&r)
					}
				}
				b.ReportMetric(float64(r.Edges)/float64(r.Transactions), "edges/txn")
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*r.Transactions), "ns/txn")
			})
		}
	}
}
