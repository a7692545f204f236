package history

import (
	"fmt"
	"slices"
	"strings"
)

// schedule describes a cycle: what its transactions did to the keys that matter,
// in the order in which they began, and why each comes before the next.
func (f *facts) schedule(h *History, cycle []leg) string {
	var b strings.Builder
	keys := map[Key]bool{}
	var txns []int32
	for _, l := range cycle {
		for _, r := range f.reasons(l) {
			keys[r.key] = true
		}
		if !slices.Contains(txns, l.from) {
			txns = append(txns, l.from)
		}
	}
	slices.SortFunc(txns, func(a, b int32) int { return int(f.txns[a].Start - f.txns[b].Start) })
	for _, i := range txns {
		b.WriteString(describe(h, &f.txns[i], keys))
	}
	for _, l := range cycle {
		fmt.Fprintf(&b, "  %v before %v: %s\n", f.txns[l.from].ID, f.txns[l.to].ID, f.why(h, l))
	}
	return b.String()
}

// why says what makes a leg, in terms of its first reason.
func (f *facts) why(h *History, l leg) string {
	from, to := &f.txns[l.from], &f.txns[l.to]
	if l.link == realTime {
		return fmt.Sprintf("real time, it ended at %d, and %v began at %d", from.Finish, to.ID, to.Start)
	}
	all := f.reasons(l)
	if len(all) == 0 {
		return l.link.String()
	}
	r := all[0]
	name, seen := h.name(r.key), f.order.all[r.seen].version
	switch {
	case l.link == ww:
		return fmt.Sprintf("ww, it wrote %s, and %v wrote the next version", name, to.ID)
	case l.link == wr:
		return fmt.Sprintf("wr, %v read %s as it had left it", to.ID, name)
	case l.link == emptyWR:
		return fmt.Sprintf("wr, it removed %s, and %v found nothing there in a range", name, to.ID)
	case l.link == emptyRW || l.link == looseEmptyRW:
		return fmt.Sprintf("rw, it found nothing at %s in a range, where %v put something", name, to.ID)
	case f.order.all[r.seen].absent:
		return fmt.Sprintf("rw, it found nothing at %s, where %v put something", name, to.ID)
	}
	return fmt.Sprintf("rw, it read %s as %v, and %v wrote the next version", name, seen, to.ID)
}

// describe writes one transaction as a line of text, with what it did to keys, or
// with everything if keys is nil.
func describe(h *History, t *Txn, keys map[Key]bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  %v: %s\n", t.ID, strings.Join(t.words(h, keys), " "))
	return b.String()
}
