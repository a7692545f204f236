package txnmgr_test

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/tierceldb/tiercel/internal/script"
)

// action is one random choice; what it comes to depends on which transactions
// are open when its turn comes, so that a program makes sense whatever actions
// are taken out of it.
type action struct {
	verb     string
	txn      int  // which of the open transactions
	stale    bool // one that has ended, instead
	level    string
	key, end string // end "": to the end
	order    string // "" or "desc"
	limit    int    // 0: none
	name     string // of a savepoint or cursor
	haste    int    // the transaction commits behind this, if it is below the program's
}

// maxOpen bounds how many transactions of a program are open at once.
const maxOpen = 4

// verbs are those of actions, some more often than others. The first one is what a
// failing program's other actions shrink to.
func verbs() []string {
	return []string{
		"nothing", "begin", "begin", "begin", "get", "get", "get", "put", "put", "put",
		"insert", "insert", "delete", "delete", "scan", "scan", "scan",
		"open", "open", "next", "next", "next", "stop",
		"savepoint", "savepoint", "rollbackto", "rollbackto",
		"many", "commit", "commit", "rollback", "dump",
	}
}

// levels are those of transactions, some more often than others.
func levels() []string { return []string{"serializable", "serializable", "snapshot", "read"} }

// beginnings are keys, and ends what a range ends before, nothing being the end of
// all. They are few, so that transactions meet.
func beginnings() []string { return []string{`""`, "a", "b", "ba", "c", "d", "e", "f", "g", "h"} }
func ends() []string       { return append(beginnings()[1:], "i", "", "") }

// drawAction draws an action.
func drawAction(t *rapid.T) action {
	return action{
		verb:  rapid.SampledFrom(verbs()).Draw(t, "verb"),
		txn:   rapid.IntRange(0, maxOpen-1).Draw(t, "txn"),
		stale: rapid.IntRange(0, 24).Draw(t, "stale") == 24,
		level: rapid.SampledFrom(levels()).Draw(t, "level"),
		key:   rapid.SampledFrom(beginnings()).Draw(t, "key"),
		end:   rapid.SampledFrom(ends()).Draw(t, "end"),
		order: rapid.SampledFrom([]string{"", "desc"}).Draw(t, "order"),
		limit: rapid.IntRange(0, 3).Draw(t, "limit"),
		name:  rapid.SampledFrom([]string{"x", "y"}).Draw(t, "name"),
		haste: rapid.IntRange(0, 99).Draw(t, "haste"),
	}
}

// program turns actions into the lines of a script.
type program struct {
	lines []string
	haste int // in percent: how soon transactions commit
	begun int
	open  []string
	ended []string
	named map[string]bool // the cursors and savepoints there are
}

// drawProgram draws a script of interleaved transactions.
func drawProgram(t *rapid.T) script.Section {
	p := &program{named: map[string]bool{}, haste: rapid.SampledFrom([]int{0, 3, 10, 20, 30}).Draw(t, "haste")}
	n := rapid.SampledFrom([]int{10, 40, 100, 200, 200}).Draw(t, "length")
	return p.section(rapid.SliceOfN(rapid.Custom(drawAction), n, n).Draw(t, "actions"))
}

// section writes the script of some actions. It ends with all transactions ended,
// everything purged, and a look at what is left.
func (p *program) section(actions []action) script.Section {
	for _, a := range actions {
		p.add(a)
	}
	for len(p.open) > 0 {
		p.add(action{verb: "rollback", haste: p.haste})
	}
	p.lines = append(p.lines, "purge", "count", "dump")
	return script.Section{Name: "program", Lines: p.lines}
}

func (p *program) add(a action) {
	switch a.verb {
	case "nothing":
		return
	case "dump":
		p.line("dump")
		return
	}
	if len(p.open) == 0 || a.verb == "begin" && len(p.open) < maxOpen {
		p.begin(a.level)
		return
	}
	t := p.pick(a)
	p.step(t, a)
	if a.haste < p.haste {
		p.step(t, action{verb: "commit"})
	}
}

// step writes what an action comes to for transaction t.
func (p *program) step(t string, a action) {
	switch a.verb {
	case "begin": // there are enough
		p.line("%s get %s", t, a.key)
	case "get", "delete":
		p.line("%s %s %s", t, a.verb, a.key)
	case "put", "insert":
		p.line("%s %s %s v%d", t, a.verb, a.key, len(p.lines))
	case "scan":
		p.line("%s scan%s %s%s%s", t, a.order, a.key, bound(a.end), limit(a.limit))
	case "many":
		p.many(t, a)
	case "open", "next", "stop":
		p.cursor(t, a)
	case "savepoint", "rollbackto":
		p.savepoint(t, a)
	case "rollback":
		p.line("%s rollback", t)
		p.end(t)
	case "commit":
		p.line("%s commit", t)
		p.end(t)
	}
}

// many does one thing to so many keys that the transaction needs an index over
// what it has written or read. The keys lie between c and d.
func (p *program) many(t string, a action) {
	for i := range 20 {
		switch a.limit {
		case 0:
			p.line("%s get c%02d", t, i)
		case 1:
			p.line("%s delete c%02d", t, i)
		case 2:
			p.line("%s put c%02d v%d", t, i, len(p.lines))
		default:
			p.line("%s insert c%02d v%d", t, i, len(p.lines))
		}
	}
}

// cursor opens a cursor, or uses it if there is one.
func (p *program) cursor(t string, a action) {
	if a.verb == "open" || p.first(t, "cursor", a.name) {
		p.line("%s open%s %s %s%s", t, a.order, a.name, a.key, bound(a.end))
	}
	if a.verb != "open" {
		p.line("%s %s %s", t, a.verb, a.name)
	}
}

// savepoint makes a savepoint, or uses it if there is one.
func (p *program) savepoint(t string, a action) {
	if p.first(t, "savepoint", a.name) {
		a.verb = "savepoint"
	}
	p.line("%s %s %s", t, a.verb, a.name)
}

// first reports whether t uses a name of this kind for the first time.
func (p *program) first(t, kind, name string) bool {
	id := t + " " + kind + " " + name
	known := p.named[id]
	p.named[id] = true
	return !known
}

func (p *program) line(format string, args ...any) {
	p.lines = append(p.lines, fmt.Sprintf(format, args...))
}

func (p *program) begin(level string) {
	p.begun++
	t := fmt.Sprintf("t%d", p.begun)
	p.open = append(p.open, t)
	p.line("%s begin %s", t, level)
}

// pick returns the transaction that an action is for.
func (p *program) pick(a action) string {
	if a.stale && len(p.ended) > 0 {
		return p.ended[a.txn%len(p.ended)]
	}
	return p.open[a.txn%len(p.open)]
}

func (p *program) end(t string) {
	if i := slices.Index(p.open, t); i >= 0 {
		p.open = slices.Delete(p.open, i, i+1)
		p.ended = append(p.ended, t)
	}
}

func bound(end string) string {
	if end == "" {
		return ""
	}
	return " " + end
}

func limit(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" limit %d", n)
}
