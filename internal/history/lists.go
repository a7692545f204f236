package history

import (
	"cmp"
	"math"
	"slices"
)

// Lists is what clients saw of lists: each key has a list, each write appends to
// one, and each read returns one. It needs no more of the store than that.
type Lists struct {
	Txns  []ListTxn
	Names []string // of the keys, for reports
}

// ListTxn is what one client did in one transaction. Kind, Level, Start and
// Finish are as in Txn; without Start and Finish, real time does not count.
type ListTxn struct {
	ID            ID
	Kind          Kind
	Level         Level
	Outcome       Outcome
	Start, Finish int64
	Ops           []ListOp // in their order
}

// ListOp appends a value to the list of a key, or reads the list.
type ListOp struct {
	Key    Key
	Append uint64   // 0: it reads. No value is appended twice to one key.
	List   []uint64 // what it read
}

// element is a value in the list of a key.
type element struct {
	key   Key
	value uint64
}

// origin is who appended an element.
type origin struct {
	txn int32
	seq uint16 // which of its appends to any key
}

// listCheck turns lists into facts.
type listCheck struct {
	*facts
	in      *Lists
	h       *History
	report  *Report
	origins map[element]origin
	last    map[int32]map[Key]uint64 // by transaction: the last it appended to a key
	longest map[Key]listRead
}

// listRead is a list, and who read it.
type listRead struct {
	list []uint64
	txn  int32
}

// Check looks for everything that level proscribes.
func (in *Lists) Check(level Level) Report {
	var report Report
	c := &listCheck{
		in: in, h: &History{Names: in.Names}, report: &report, facts: &facts{},
		origins: map[element]origin{}, last: map[int32]map[Key]uint64{}, longest: map[Key]listRead{},
	}
	c.enter()
	c.findOrder()
	c.readAll()
	c.findUnread()
	c.findLost()
	c.facts.check(c.h, newTimeline(c.txns), level, &report)
	return report
}

// enter makes a transaction of each, and notes who appended what.
func (c *listCheck) enter() {
	for i := range c.in.Txns {
		l := &c.in.Txns[i]
		t := Txn{ID: l.ID, Kind: l.Kind, Level: l.Level, Outcome: l.Outcome, Start: l.Start, Finish: l.Finish}
		last := map[Key]uint64{}
		for _, op := range l.Ops {
			if op.Append == 0 {
				continue
			}
			seq := uint16(len(t.Writes) + 1)
			e := element{op.Key, op.Append}
			if _, twice := c.origins[e]; twice {
				c.fault(Disorder, int32(i), "%d is appended to %s twice", op.Append, c.h.name(op.Key))
			}
			c.origins[e] = origin{int32(i), seq}
			last[op.Key] = op.Append
			t.Writes = append(t.Writes, Write{Key: op.Key, Seq: seq})
		}
		c.last[int32(i)] = last
		c.h.Txns = append(c.h.Txns, t)
	}
	c.txns = c.h.Txns
}

// findOrder takes the longest list of each key that somebody read for its order.
func (c *listCheck) findOrder() {
	keys := Key(len(c.in.Names))
	for i := range c.in.Txns {
		for _, op := range c.in.Txns[i].Ops {
			keys = max(keys, op.Key+1)
			if c.in.Txns[i].Outcome == Committed && len(op.List) > len(c.longest[op.Key].list) {
				c.longest[op.Key] = listRead{op.List, int32(i)}
			}
		}
	}
	c.order.first = make([]int32, keys+1)
	for k := range keys {
		c.order.all = append(c.order.all, entry{writer: none, absent: true})
		longest := c.longest[k]
		c.checkElements(longest.txn, k, longest.list)
		for _, value := range longest.list {
			c.order.all = append(c.order.all, c.element(k, value))
		}
		c.order.first[k+1] = int32(len(c.order.all))
	}
	c.order.link()
}

// element returns the entry of an element. Who was read from has committed, even
// if its client was not told.
func (c *listCheck) element(k Key, value uint64) entry {
	o, known := c.origins[element{k, value}]
	if !known || c.txns[o.txn].Outcome == RolledBack {
		return entry{writer: none}
	}
	if t := &c.txns[o.txn]; t.Outcome == Unknown {
		t.Outcome, t.Finish = Committed, math.MaxInt64
	}
	return entry{writer: o.txn, version: c.txns[o.txn].ID.version(o.seq)}
}

// readAll resolves what was read.
func (c *listCheck) readAll() {
	c.from = make([]int32, len(c.txns)+1)
	for i := range c.txns {
		if c.in.Txns[i].Outcome == Committed {
			c.readOf(int32(i))
		}
		if c.txns[i].Outcome != Committed {
			c.txns[i].Writes = nil
		}
		c.from[i+1] = int32(len(c.at))
	}
}

// readOf resolves what transaction i read, without its own elements at the end.
func (c *listCheck) readOf(i int32) {
	own := map[Key][]uint64{}
	for _, op := range c.in.Txns[i].Ops {
		if op.Append != 0 {
			own[op.Key] = append(own[op.Key], op.Append)
			continue
		}
		others := len(op.List) - len(own[op.Key])
		if others < 0 || !slices.Equal(op.List[others:], own[op.Key]) {
			c.fault(WrongOwn, i, "it read %s as %v, and had appended %v", c.h.name(op.Key), op.List, own[op.Key])
			continue
		}
		c.readList(i, op.Key, op.List[:others])
	}
}

func (c *listCheck) readList(i int32, k Key, list []uint64) {
	name := c.h.name(k)
	p := c.order.first[k] + int32(len(list))
	longest := c.longest[k]
	if !slices.Equal(list, longest.list[:len(list)]) {
		c.fault(Disorder, i, "it read %s as %v, and %v as %v", name, list, c.txns[longest.txn].ID, longest.list)
		c.checkElements(i, k, list)
		p = none
	}
	version := Version(0)
	if len(list) > 0 && p != none {
		version = c.order.all[p].version
		c.checkWhole(i, k, list[len(list)-1])
	}
	c.txns[i].Reads = append(c.txns[i].Reads, Read{k, version})
	c.at = append(c.at, p)
}

// checkElements reports elements that should not be in a list that transaction i
// read. Those of the longest list of a key are looked at once, not for every reader.
func (c *listCheck) checkElements(i int32, k Key, list []uint64) {
	seen := make(map[uint64]bool, len(list))
	for _, value := range list {
		o, known := c.origins[element{k, value}]
		switch {
		case seen[value]:
			c.fault(Disorder, i, "it read %s as %v, with %d twice", c.h.name(k), list, value)
		case !known:
			c.fault(Garbage, i, "it read %d in %s, which nobody appended", value, c.h.name(k))
		case c.txns[o.txn].Outcome == RolledBack:
			c.fault(G1a, i, "it read %d in %s, and %v was rolled back", value, c.h.name(k), c.txns[o.txn].ID)
		}
		seen[value] = true
	}
}

// checkWhole reports a list that ends within what one transaction appended.
func (c *listCheck) checkWhole(i int32, k Key, end uint64) {
	o, known := c.origins[element{k, end}]
	if known && o.txn != i && c.last[o.txn][k] != end {
		c.fault(G1b, i, "it read %s up to %d, and %v appended more", c.h.name(k), end, c.txns[o.txn].ID)
	}
}

// findUnread finds what nobody has read.
func (c *listCheck) findUnread() {
	read := map[element]bool{}
	for k, longest := range c.longest {
		for _, value := range longest.list {
			read[element{k, value}] = true
		}
	}
	byKey := map[Key][]int32{}
	for i := range c.txns {
		if !c.txns[i].wrote() {
			continue
		}
		for k, value := range c.last[int32(i)] {
			if !read[element{k, value}] {
				byKey[k] = append(byKey[k], int32(i))
			}
		}
	}
	for k, txns := range byKey {
		c.unread = append(c.unread, unread{k, txns})
	}
	slices.SortFunc(c.unread, func(a, b unread) int { return cmp.Compare(a.key, b.key) })
}

// findLost reports two transactions that appended to a list as it was at its
// longest, and have not been read: one of them came first, and the other had not
// seen it, whichever it was.
func (c *listCheck) findLost() {
	first := map[Key]int32{} // who has read the longest list and appended to it
	for i := range c.txns {
		c.reads(int32(i), func(_ int, k Key, p int32) {
			if !c.isUnread(k, p, int32(i)) {
				return
			}
			other, known := first[k]
			if !known {
				first[k] = int32(i)
			} else if other != int32(i) {
				c.fault(LostUpdate, int32(i), "%v appended to the same list of %s", c.txns[other].ID, c.h.name(k))
			}
		})
	}
}

func (c *listCheck) fault(f Fault, i int32, format string, args ...any) {
	c.report.fault(f, c.h, &c.h.Txns[i], format, args...)
}
