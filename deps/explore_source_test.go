package deps_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// stepsOf lists the steps of a function that matter to others, in the order in
// which they are written: atomic operations, locks, and calls of functions that
// have such.
type stepsOf struct {
	file, function string
	steps          string // separated by blanks
}

// modelled are the functions that the models take after.
func modelled() []stepsOf {
	return []stepsOf{
		// explore_slots_test.go
		{"pool/pool.go", "Begin", "first Load mark.Load snap.CompareAndSwap gen.Load mark.Load settle"},
		{"pool/slot.go", "take", "mark.Load snap.CompareAndSwap settle"},
		{"pool/slot.go", "settle", "gen.Load mark.Load mark.Load snap.CompareAndSwap"},
		{"pool/slot.go", "End", "gen.CompareAndSwap snap.CompareAndSwap"},
		{"pool/slot.go", "Force", "Blame Win Retire"},
		{"pool/slot.go", "Blame", "cause.Load cause.CompareAndSwap"},
		{"pool/slot.go", "Win", "gen.CompareAndSwap"},
		{"pool/slot.go", "Retire", "gen.Load snap.Store"},
		{"pool/slot.go", "SetTag", "tag.Store"},
		{"pool/list.go", "Snapshots", "list.Load snap.Load scanned.Load scanned.Store"},
		{"pool/list.go", "retire", "list.Load snap.CompareAndSwap"},
		{"pool/list.go", "dropRetired", "list.Load snap.Load gen.Load gen.Load list.Store"},
		{"pool/list.go", "Close", "lockList lock.Unlock list.Load snap.Load snap.CompareAndSwap gen.Load snap.Load end dropRetired"},
		{"pool/pool.go", "find", "searchShared growing.Lock growing.Unlock searchShared searchShared searchExclusive"},
		{"pool/pool.go", "searchShared", "lock.RLock lock.RUnlock search"},
		{"pool/pool.go", "searchExclusive", "lockList lock.Unlock search grow search"},
		{"pool/pool.go", "search", "list.Load rover.Load snap.Load take rover.Store"},
		{"deps/record.go", "Begin", "pool.Begin SetTag Gen"},
		{"deps/record.go", "leave", "DropTag End"},
		{"deps/record.go", "Force", "Blame Tag Force CommitTS Win Tag Force CommitTS Retire interrupt DropTag"},
		{"txnmgr/read.go", "Get", "look Get Head Visible Gen checkChain"},
		// explore_commit_test.go
		{"deps/vote.go", "own", "lockFor changed unlock Link"},
		{"deps/vote.go", "lockFor", "Adopt lock Forget NewObject"},
		{"deps/vote.go", "undo", "RollBack Undo Head Remove unlock leave"},
		{"deps/vote.go", "release", "Stamp unlock"},
		{"deps/section.go", "admit", "checkInside Commit tail.Load next.Store tail.Store"},
		{"deps/section.go", "pass", "admit visible.Load visible.Store phase.Swap"},
		{"deps/validate.go", "checkOutside", "tail.Load check checkRecords"},
		{"deps/validate.go", "checkRecords", "next.Load next.Load meets"},
		{"deps/validate.go", "checkObject", "IsDead checkKey changed"},
		{"storage/object.go", "Link", "head.Load older.Store head.Store"},
		{"storage/object.go", "Undo", "older.Load head.Store"},
		{"storage/version.go", "CommitTS", "ts.Load state.Load ts.Load CommitTS"},
		{"storage/version.go", "Stamp", "ts.Store state.Store"},
		{"storage/store.go", "Adopt", "table.insert ordered.insert"},
		{"storage/store.go", "Remove", "Head Older kill Forget"},
		{"storage/store.go", "Forget", "ordered.remove table.remove"},
		// explore_purge_test.go
		{"deps/purge.go", "scan", "visible.Load Snapshots m.Store horizon.Load horizon.Store Trim"},
		{"deps/purge.go", "someRecord", "next.Load CommitTS m.Load"},
		{"deps/purge.go", "unlinkRecords", "m.Load CommitTS next.Load next.Store"},
		{"deps/purge.go", "superseded", "Older Older CommitTS CommitTS pinnedBy setAside unlink bury"},
		{"deps/purge.go", "settle", "IsDead newerThan CommitTS Older bury CommitTS m.Load CommitTS CommitTS pinnedBy setAside unlink Older bury"},
		{"deps/purge.go", "bury", "CommitTS setAside TryLock Head Remove unlock setAside"},
		{"storage/version.go", "Unlink", "older.Load older.Load older.Store"},
		// explore_waits_test.go
		{"deps/waits.go", "lock", "TryLock wait"},
		{"deps/waits.go", "unlock", "Unlock handOver"},
		{"deps/waits.go", "enter", "mu.Lock mu.Unlock TryLock AnnounceWaiter"},
		{"deps/waits.go", "wait", "waiting.Store waiting.Store enter sleep mu.Lock mu.Unlock drop"},
		{"deps/waits.go", "handOver", "mu.Lock mu.Unlock NoMoreWaiters Head Remove Unlock drop"},
		{"deps/waits.go", "interrupt", "waiting.Load"},
		{"storage/lock.go", "TryLock", "lock.Load lock.CompareAndSwap"},
		{"storage/lock.go", "Unlock", "lock.CompareAndSwap"},
		{"storage/lock.go", "AnnounceWaiter", "lock.Load lock.CompareAndSwap"},
		// explore_section_test.go
		{"deps/section.go", "enter", "busy.Load busy.CompareAndSwap"},
		{"deps/section.go", "passThrough", "enter serve push phase.Load enter serve park"},
		{"deps/section.go", "park", "phase.CompareAndSwap phase.Load enter serve"},
		{"deps/section.go", "push", "arrived.Load arrived.CompareAndSwap"},
		{"deps/section.go", "take", "arrived.Load arrived.Swap"},
		{"deps/section.go", "serve", "take admit pass busy.Store arrived.Load rouse enter"},
		{"deps/section.go", "rouse", "phase.Load"},
	}
}

// TestSourceHasTheSteps: the functions that were modelled still take the steps that
// they took then, in the same order. If this fails, the model named above the
// function has to be brought up to date first, and then the list.
func TestSourceHasTheSteps(t *testing.T) {
	list := modelled()
	known := make(map[string]bool)
	for _, m := range list {
		for _, step := range strings.Fields(m.steps) {
			known[step] = true
		}
	}
	for _, m := range list {
		got := strings.Join(steps(t, m, known), " ")
		if got != m.steps {
			t.Errorf("%s, %s takes the steps\n\t%s\nand the models were made for\n\t%s", m.file, m.function, got, m.steps)
		}
	}
}

// steps returns the steps of a function, as far as they are known.
func steps(t *testing.T, m stepsOf, known map[string]bool) (found []string) {
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", m.file), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, decl := range file.Decls {
		if f, is := decl.(*ast.FuncDecl); is && f.Name.Name == m.function {
			return calls(f.Body, known)
		}
	}
	return []string{"(there is no such function)"}
}

// calls returns the known calls in a body, in the order in which they are made if
// every branch is taken once: the arguments of a call come before it.
func calls(body ast.Node, known map[string]bool) []string {
	type call struct {
		name string
		at   token.Pos
	}
	var list []call
	ast.Inspect(body, func(node ast.Node) bool {
		c, is := node.(*ast.CallExpr)
		if !is {
			return true
		}
		if name := nameOf(c.Fun, known); name != "" {
			list = append(list, call{name: name, at: c.Rparen})
		}
		return true
	})
	slices.SortFunc(list, func(a, b call) int { return int(a.at - b.at) })
	var names []string
	for _, c := range list {
		names = append(names, c.name)
	}
	return names
}

// nameOf returns what is known of a called function: field.method, or the last
// name alone.
func nameOf(fun ast.Expr, known map[string]bool) string {
	switch fun := fun.(type) {
	case *ast.Ident:
		if known[fun.Name] {
			return fun.Name
		}
	case *ast.SelectorExpr:
		owner := ""
		switch x := fun.X.(type) {
		case *ast.Ident:
			owner = x.Name
		case *ast.SelectorExpr:
			owner = x.Sel.Name
		}
		if full := owner + "." + fun.Sel.Name; known[full] {
			return full
		}
		if known[fun.Sel.Name] {
			return fun.Sel.Name
		}
	}
	return ""
}
