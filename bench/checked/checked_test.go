package checked

import (
	"context"
	"strings"
	"testing"
	"time"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/bench/stress"
	"github.com/tierceldb/tiercel/internal/history"
	"github.com/tierceldb/tiercel/txnmgr"
)

func open(t *testing.T) *txnmgr.Manager {
	t.Helper()
	m, err := txnmgr.Open(context.Background(), txnmgr.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// run runs some small windows, however long they take, and returns the result.
func run(t *testing.T, windows int, opts Options) Result {
	t.Helper()
	opts.Goroutines, opts.Keys, opts.window, opts.Duration = 6, 20, 1200, time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	ticks := 0
	res, err := Run(ctx, open(t), opts, func(Sample) {
		if ticks++; ticks == windows {
			cancel()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if ticks != res.Windows || len(res.Samples) != res.Windows {
		t.Errorf("%d windows, %d ticks, %d samples", res.Windows, ticks, len(res.Samples))
	}
	return res
}

func TestRun(t *testing.T) {
	for _, level := range []history.Level{history.Serializable, history.Snapshot} {
		t.Run(level.String(), func(t *testing.T) {
			res := run(t, 4, Options{Level: level})
			if len(res.Violations) > 0 || res.Cycles+res.Faults > 0 {
				t.Errorf("violations %v", res.Violations)
			}
			if res.Windows < 4 || res.Checked < 1200 || res.Edges < res.Checked || res.Committed < 600 || res.RolledBack == 0 {
				t.Errorf("too little happened: %+v", res)
			}
			if level == history.Snapshot && res.Skews == 0 {
				t.Error("no write skew")
			}
		})
	}
}

// TestViolationsEndTheRun changes one read in the third window.
func TestViolationsEndTheRun(t *testing.T) {
	var windows atomic.Int64
	res := run(t, 1000, Options{tamper: func(h *history.History) {
		if windows.Inc() == 3 {
			lose(h)
		}
	}})
	if res.Faults == 0 || res.Windows > 100 {
		t.Fatalf("%+v", res)
	}
	for _, v := range res.Violations {
		if v.Invariant == "I8" && strings.Contains(v.Details[0], "nothing") {
			return
		}
	}
	t.Errorf("violations %v", res.Violations)
}

// lose has one read find nothing.
func lose(h *history.History) {
	for i := range h.Txns {
		for n, r := range h.Txns[i].Reads {
			if r.Version != 0 {
				h.Txns[i].Reads[n].Version = 0
				return
			}
		}
	}
}

func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	res, err := Run(ctx, open(t), Options{Goroutines: 4, Keys: 20, Duration: time.Hour, window: 400}, func(Sample) { cancel() })
	if err != nil || !res.Interrupted || res.Checked == 0 || len(res.Violations) > 0 {
		t.Errorf("%v %+v", err, res)
	}
}

// TestHeldReaderIsCompared gives the reader held open a wrong idea of a key.
func TestHeldReaderIsCompared(t *testing.T) {
	for name, look := range map[string]func(*held){
		"get":  func(h *held) { h.get(3) },
		"scan": func(h *held) { h.scan() },
	} {
		t.Run(name, func(t *testing.T) {
			m := open(t)
			defer m.Close()
			var log stress.Log
			h := newHeld(m, Options{Keys: 5}, &log)
			h.between(nil)
			look(h)
			if log.Total() != 0 {
				t.Fatalf("%v", log.Violations())
			}
			h.versions[3]++
			look(h)
			if v := log.Violations(); len(v) != 1 || v[0].Name != stress.OldReader.Name() {
				t.Errorf("violations %v", v)
			}
			h.versions[3]--
			h.close()
			if s := m.Stats(); s.Active != 0 {
				t.Errorf("%d transactions are open", s.Active)
			}
		})
	}
}
