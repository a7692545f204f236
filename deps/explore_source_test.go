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
	return slices.Concat(slotsSteps(), commitSteps(), purgeSteps(), waitsSteps(), locksSteps(), prepareSteps(), deadlockSteps(), sectionSteps())
}

// slotsSteps are modelled in explore_slots_test.go.
func slotsSteps() []stepsOf {
	return []stepsOf{
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
		{"deps/locks.go", "Refresh", "visible.Load visible.Load Advance"},
		{"deps/record.go", "leave", "DropTag End"},
		{"deps/record.go", "Force", "Blame Tag Force RolledBack Win Tag Force RolledBack Retire interrupt DropTag IsForced dropByForce"},
		{"txnmgr/read.go", "Get", "look Lookup Head Visible find Gen checkChain"},
	}
}

// commitSteps are modelled in explore_commit_test.go.
func commitSteps() []stepsOf {
	return []stepsOf{
		{"deps/vote.go", "Commit", "voteAndPass CommitTS release leave helpPurge"},
		{"deps/vote.go", "voteAndPass", "held.Load n.Load setAlone RolledBack endUnvoted vote finish undo takeBack waitForEnd endUnvoted"},
		{"deps/vote.go", "vote", "enterStore endUnvoted own undo"},
		{"deps/vote.go", "own", "lockFor changed held.Load lower Link"},
		{"deps/vote.go", "lockFor", "Adopt keepFresh lockForVote IsDead successor"},
		{"deps/vote.go", "lockForVote", "held.Load lockMore acquire"},
		{"deps/vote.go", "undo", "RollBack takeBack letGo leave"},
		{"deps/vote.go", "endUnvoted", "RollBack letGo leave"},
		{"deps/vote.go", "takeBack", "Undo unlockVote"},
		{"deps/vote.go", "unlockVote", "removeEmpty held.Load UnlockTo lower lower"},
		{"deps/vote.go", "removeEmpty", "Head TryLock Remove lower"},
		{"deps/vote.go", "release", "Stamp unlockVote letGo"},
		{"deps/locks.go", "successor", "Forget NewObject"},
		{"deps/section.go", "admit", "guards.remove CommitPrepared link guards.remove RollBackPrepared validate protecting admitPrepared Commit link"},
		{"deps/section.go", "validate", "checkInside"},
		{"deps/section.go", "link", "note tail.Load next.Store tail.Store"},
		{"deps/section.go", "pass", "admit visible.Load tail.Load visible.Store phase.Swap"},
		{"deps/validate.go", "checkOutside", "stand check checkRecords"},
		{"deps/stands.go", "stand", "mu.Lock mu.Unlock tail.Load CommitTS"},
		{"deps/validate.go", "checkRecords", "next.Load next.Load meets"},
		{"deps/validate.go", "checkObject", "IsDead checkKey changed"},
		{"storage/object.go", "Link", "head.Load older.Store head.Store"},
		{"storage/object.go", "Undo", "older.Load head.Store"},
		{"storage/version.go", "CommitTS", "ts.Load state.Load ts.Load CommitTS"},
		{"storage/version.go", "Stamp", "ts.Store state.Store"},
		{"storage/store.go", "Adopt", "table.insert ordered.insert"},
		{"storage/store.go", "Remove", "Head Older kill Forget"},
		{"storage/store.go", "Forget", "ordered.remove table.remove"},
	}
}

// purgeSteps are modelled in explore_purge_test.go.
func purgeSteps() []stepsOf {
	return []stepsOf{
		{"deps/purge.go", "scan", "readable.Load Snapshots m.Store horizon.Load horizon.Store Trim"},
		{"deps/purge.go", "someRecord", "next.Load CommitTS m.Load"},
		{"deps/purge.go", "unlinkRecords", "m.Load lowest lowest CommitTS next.Load next.Store"},
		{"deps/purge.go", "superseded", "Older Older CommitTS CommitTS pinnedBy setAside unlink bury"},
		{"deps/purge.go", "settle", "IsDead newerThan CommitTS Older bury CommitTS m.Load CommitTS CommitTS pinnedBy setAside unlink Older bury"},
		{"deps/purge.go", "bury", "CommitTS setAside TryLock setAside lower TryLock Head Remove lower setAside"},
		{"storage/version.go", "Unlink", "older.Load note older.Load older.Store"},
	}
}

// waitsSteps are modelled in explore_waits_test.go.
func waitsSteps() []stepsOf {
	return []stepsOf{
		{"deps/waits.go", "acquire", "TryLock wait"},
		{"deps/waits.go", "lower", "Head Seize Remove Lower removeEmpty mu.Lock mu.Unlock LowerFor admitWaiters"},
		{"deps/waits.go", "admitWaiters", "Admit rouse NoMoreWaiters Head TryLock Remove Lower"},
		{"deps/waits.go", "rouse", ""},
		{"deps/waits.go", "wait", "announce retract enter sleep mu.Lock mu.Unlock RolledBack admitWaiters mu.Unlock"},
		{"deps/waits.go", "announce", "waiting.Store"},
		{"deps/waits.go", "retract", "waiting.Store"},
		{"deps/waits.go", "enter", "mu.Lock mu.Unlock TryLock AnnounceWaiter place"},
		{"deps/waits.go", "sleep", "RolledBack"},
		{"deps/waits.go", "interrupt", "waiting.Load rouse"},
		{"storage/lock.go", "LockFree", "lock.Load lock.CompareAndSwap"},
		{"storage/lock.go", "TryLock", "goOver Admit"},
		{"storage/lock.go", "Admit", "goOver"},
		{"storage/lock.go", "goOver", "lock.Load lock.CompareAndSwap"},
		{"storage/lock.go", "swap", "lock.Load lock.CompareAndSwap"},
		{"storage/lock.go", "UnlockAlone", "swap"},
		{"storage/lock.go", "Lower", "o.word swap"},
		{"storage/lock.go", "AnnounceWaiter", "o.word swap"},
		{"storage/lock.go", "Seize", "o.word swap"},
		{"storage/lock.go", "kill", "swap"},
	}
}

// locksSteps are modelled in explore_locks_test.go.
func locksSteps() []stepsOf {
	return []stepsOf{
		{"deps/locks.go", "Lock", "mixed.Load mixed.Store lockMore Lookup LockFree note Adopt lower note lockMore successor"},
		{"deps/locks.go", "lockMore", "setAlone noLongerAlone RolledBack acquire note"},
		{"deps/locks.go", "note", "n.Load n.Store add RolledBack dropByForce"},
		{"deps/locks.go", "add", "n.Load grow n.Store"},
		{"deps/locks.go", "setAlone", "mu.Lock mu.Unlock"},
		{"deps/locks.go", "noLongerAlone", "setAlone RolledBack dropByForce"},
		{"deps/locks.go", "UnlockTo", "held.Load n.Load mu.Lock mu.Unlock drop"},
		{"deps/locks.go", "drop", "n.Load n.Store lower"},
		{"deps/locks.go", "letGo", "held.Load n.Load Head UnlockAlone lower held.Store mu.Lock n.Store mu.Unlock"},
		{"deps/locks.go", "dropByForce", "held.Load mu.Lock mu.Unlock n.Load lower"},
		{"deps/record.go", "Rollback", "RollBack letGo leave"},
		{"storage/state.go", "Commit", "word.CompareAndSwap"},
		{"storage/state.go", "RollBack", "word.CompareAndSwap"},
		{"storage/state.go", "Force", "word.CompareAndSwap"},
		{"storage/state.go", "Prepare", "word.CompareAndSwap"},
		{"storage/state.go", "CommitPrepared", "word.Store"},
		{"storage/state.go", "RollBackPrepared", "word.Store"},
	}
}

// prepareSteps are modelled in explore_prepare_test.go.
func prepareSteps() []stepsOf {
	return []stepsOf{
		{"deps/prepare.go", "Prepare", "reserve prepare freeXID leave limit"},
		{"deps/prepare.go", "limit", "mu.Lock mu.Unlock"},
		{"deps/prepare.go", "prepare", "voteAndPass held.Load setAlone Prepare endUnvoted"},
		{"deps/prepare.go", "CommitPrepared", "close dropUnwritten passThrough freeXID CommitTS release helpPurge"},
		{"deps/prepare.go", "RollbackPrepared", "close dropUnwritten drop freeXID passThrough takeBack letGo"},
		{"deps/prepare.go", "dropUnwritten", "drop freeXID RollBackPrepared letGo"},
		{"deps/prepare.go", "waitForEnd", "announce retract sleep RolledBack"},
		{"deps/section.go", "admitPrepared", "changing Prepare guards.add"},
		{"deps/section.go", "finish", "passValidated stepOff"},
		{"deps/section.go", "passValidated", "checkOutside passThrough"},
	}
}

// deadlockSteps are modelled in explore_deadlock_test.go.
func deadlockSteps() []stepsOf {
	return []stepsOf{
		{"deps/deadlock.go", "findDeadlock", "mu.Lock mu.Unlock collect circle breakUp"},
		{"deps/deadlock.go", "breakUp", "stillWaits giveUp"},
		{"deps/deadlock.go", "collect", "mu.Lock mu.Unlock held.Load agent.Load each eachRecord Head"},
		{"deps/deadlock.go", "stillWaits", "mu.Lock mu.Unlock waiting.Load RolledBack"},
		{"deps/deadlock.go", "giveUp", "mu.Lock mu.Unlock rouse"},
		{"deps/deadlock.go", "waitsFor", ""},
	}
}

// sectionSteps are modelled in explore_section_test.go.
func sectionSteps() []stepsOf {
	return []stepsOf{
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
