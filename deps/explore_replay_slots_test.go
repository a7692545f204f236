package deps_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tierceldb/tiercel/deps"
	"github.com/tierceldb/tiercel/internal/explore"
	"github.com/tierceldb/tiercel/internal/stages"
	"github.com/tierceldb/tiercel/pool"
	"github.com/tierceldb/tiercel/storage"
)

// TestReplaySlots: random calls of begin, end, end of a copied handle, commit,
// forced end, scan and Close, taken by the model of the slots and by the code.
// After each both must have the same words in every slot. Which slot a begin gets
// the code decides, and the model takes it.
func TestReplaySlots(t *testing.T) {
	random, calls := random(t), 0
	for range 1500 {
		x := &slotReplay{t: t, model: newSlotModel(noSlotFault, 0), real: deps.New(stages.Stages{NoBatch: true})}
		x.state = x.model.start
		for range 30 {
			if !x.call(random) {
				break
			}
			calls++
			x.compare()
		}
		x.close()
		x.compare()
	}
	t.Logf("%d calls compared", calls)
}

// slotReplay is one order of calls.
type slotReplay struct {
	t      *testing.T
	model  *slotModel
	state  slotState
	real   *deps.Manager
	slots  []*deps.Slot // by their numbers in the model
	txns   [modelTxns]slotHandle
	closed bool
	trace  []string
}

// slotHandle is a transaction of the code.
type slotHandle struct {
	record *deps.Record // of an update transaction
	slot   *deps.Slot
	gen    uint64
	word   uint64
}

// call makes a random call. It reports false if the model is too small for what
// the code has come to.
func (x *slotReplay) call(random *rand.Rand) bool {
	t := random.IntN(modelTxns)
	phase := x.state.txns[t].phase
	switch op := random.IntN(20); {
	case op < 8 && phase != begun:
		return x.begin(t, random.IntN(2) == 0)
	case op < 12 && phase != notBegun && phase != failed:
		x.end(t)
	case op < 14 && phase == begun:
		return x.commit(t)
	case op < 16 && phase == begun:
		x.force(t)
	case op < 18:
		x.scan()
	case op == 19 && random.IntN(10) == 0:
		x.close()
	}
	return true
}

// alone lets a process of the model take all its steps.
func (x *slotReplay) alone(build func(p *slotProcess)) {
	x.t.Helper()
	p := x.model.process("model")
	build(p)
	if wrong, err := explore.Alone(&x.state, p.done()); wrong != "" || err != nil {
		x.t.Fatalf("the model: %s %v\nafter %q", wrong, err, x.trace)
	}
	if wrong := x.model.holds(&x.state); wrong != "" {
		x.t.Fatalf("the model: %s\nafter %q", wrong, x.trace)
	}
}

// number returns the number of a slot in the model, which gets to know it now
// because the code appended it.
func (x *slotReplay) number(s *deps.Slot) int {
	n := slices.Index(x.slots, s)
	if n < 0 {
		n = len(x.slots)
		x.slots = append(x.slots, s)
		if n < modelSlots {
			x.state.list |= 1 << n
		}
	}
	return n
}

func (x *slotReplay) begin(t int, update bool) bool {
	x.trace = append(x.trace, fmt.Sprintf("begin %d, update %v", t, update))
	h := slotHandle{}
	if update {
		h.record = new(deps.Record)
		if x.real.Begin(h.record) {
			h.slot, h.gen = h.record.Slot()
			h.word = h.record.Snapshot | pool.Update
		}
	} else {
		h.slot, h.gen, h.word = x.real.BeginRead()
	}
	if (h.slot == nil) != x.closed {
		x.t.Fatalf("closed: code %v, model %v\nafter %q", h.slot == nil, x.closed, x.trace)
	}
	if h.slot == nil {
		return true
	}
	n := x.number(h.slot)
	if n >= modelSlots {
		return false
	}
	x.txns[t] = h
	x.state.txns[t] = slotTxn{}
	for i := range x.state.slots {
		if tag := &x.state.slots[i].tag; *tag == uint8(t+1) {
			*tag = 0 // of an earlier transaction with this number; the code's is not this one's either
		}
	}
	x.model.update[t] = update
	x.alone(func(p *slotProcess) { p.begin(t, n) })
	return true
}

func (x *slotReplay) end(t int) {
	x.trace = append(x.trace, fmt.Sprintf("end %d", t))
	live, h := x.state.live(t), &x.txns[t]
	var won bool
	if h.record != nil && x.state.txns[t].state == stateOpen {
		won = x.real.Rollback(h.record)
		x.state.txns[t].state = stateRolledBack
	} else {
		won = h.slot.End(h.gen, h.word)
	}
	if won != live {
		x.t.Fatalf("end of %d: code %v, model %v\nafter %q", t, won, live, x.trace)
	}
	x.alone(func(p *slotProcess) { p.end(t) })
	x.state.txns[t].phase = over // for its user, also if it was ended by force
}

// commit commits transaction t if it is an update transaction.
func (x *slotReplay) commit(t int) bool {
	h, s := &x.txns[t], &x.state
	if h.record == nil || s.txns[t].state != stateOpen {
		return true
	}
	if s.visible == 7 {
		return false
	}
	x.trace = append(x.trace, fmt.Sprintf("commit %d", t))
	key := fmt.Appendf(nil, "%d", s.visible)
	h.record.Add(deps.Write{Object: storage.NewObject(key, x.real.Store.Hash(key)), Version: storage.NewVersion(nil, &h.record.State)})
	if _, err := x.real.Commit(context.Background(), h.record); err != nil {
		x.t.Fatalf("commit: %v\nafter %q", err, x.trace)
	}
	ts := s.visible + 1
	s.applied, s.visible, s.readable, s.returned = ts, ts, ts, ts
	s.chain |= 1 << ts
	x.alone(func(p *slotProcess) { p.commit(t); p.end(t) })
	return true
}

var errLimit = errors.New("limit")

func (x *slotReplay) force(t int) {
	h := &x.txns[t]
	if !x.state.live(t) {
		return
	}
	x.trace = append(x.trace, fmt.Sprintf("force %d", t))
	if !x.real.Force(h.slot, h.gen, errLimit) {
		x.t.Fatalf("forced end failed after %q", x.trace)
	}
	x.alone(func(p *slotProcess) {
		p.force(0, slices.Index(x.slots, h.slot), "force: ", false, explore.Done())
	})
	if got := h.slot.Cause(h.gen); !errors.Is(got, errLimit) {
		x.t.Fatalf("cause: %v after %q", got, x.trace)
	}
}

func (x *slotReplay) scan() {
	x.trace = append(x.trace, "scan")
	x.real.Scan()
	x.alone(func(p *slotProcess) { p.scans(1) })
	got, want := x.real.Scanned(), x.state.scan
	if got.M != uint64(want.m) || !slices.Equal(append([]uint64{}, got.Active...), members(want.active)) {
		x.t.Fatalf("scan: code %+v, model %+v\nafter %q", got, want, x.trace)
	}
}

func (x *slotReplay) close() {
	x.trace = append(x.trace, "close")
	x.real.Close(errLimit)
	x.closed = true
	x.alone(func(p *slotProcess) { p.closeAll(0) })
}

// compare compares the words of all slots that the model knows.
func (x *slotReplay) compare() {
	x.t.Helper()
	active := make(map[*deps.Slot]uint64)
	x.real.Active(func(s *deps.Slot, _, snap uint64) { active[s] = snap })
	for n, s := range x.slots[:min(len(x.slots), modelSlots)] {
		words := &x.state.slots[n]
		gen := uint64(words.gen &^ wordForced)
		if words.gen&wordForced != 0 {
			gen |= pool.Forced
		}
		snap := uint64(words.snap &^ wordUpdate)
		switch {
		case words.snap == wordRetired:
			snap = 0 // and so it is not active
		case words.snap&wordUpdate != 0:
			snap |= pool.Update
		}
		if s.Gen() != gen || active[s] != snap {
			x.t.Fatalf("slot %d: code gen %x, snap %x, model gen %x, snap %x\nafter %q", n, s.Gen(), active[s], gen, snap, x.trace)
		}
	}
}
