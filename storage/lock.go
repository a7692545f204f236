package storage

import "runtime"

// LockMode is how an object is locked. The modes, and which of them go together,
// are those of PostgreSQL's row locks (its manual, "Explicit Locking"): who only
// refers to an object keeps others from deleting it, and not from changing it.
//
//	               key share  share  no key update  update
//	key share          ✓        ✓          ✓
//	share              ✓        ✓
//	no key update      ✓
//	update
//
// Each mode keeps out all that the one before it keeps out, so of the modes that one
// transaction asked for the last in this order counts.
type LockMode uint8

const (
	// Unlocked is no lock.
	Unlocked LockMode = iota
	// KeyShare keeps the object from coming and going.
	KeyShare
	// Share keeps it from changing.
	Share
	// NoKeyUpdate is for who changes the value of an object that has one.
	NoKeyUpdate
	// Update is for who makes or deletes the object.
	Update
)

// String returns the mode's name in PostgreSQL, in lower case.
func (m LockMode) String() string {
	switch m {
	case KeyShare:
		return "key share"
	case Share:
		return "share"
	case NoKeyUpdate:
		return "no key update"
	case Update:
		return "update"
	}
	return "unlocked"
}

// Excludes reports whether two transactions cannot hold an object in the two modes
// at once.
func (m LockMode) Excludes(other LockMode) bool { return !admits(m.one(), other) }

// The lock word says in which modes an object is held: in one of the exclusive
// ones by one holder, in each of the shared ones by so many. Who they are, package
// deps knows. It is the lower half of the field lock; the upper half (account.go)
// comes along in every CAS.
const (
	noKeyUpdate = 1
	update      = 2
	waiters     = 4                    // somebody waits; from now on only package deps' mutex lets anybody in
	dead        = 8                    // the object is gone: it leaves the indexes and has no versions any more
	leaving     = noKeyUpdate | update // nobody's mode: for some instructions, until it is dead or free
	keyShare    = 1 << 4
	share       = 1 << 18

	keySharers = share - keyShare
	sharers    = 1<<32 - share

	lockBits = 1<<32 - 1
)

// one is what one holder adds to the word.
func (m LockMode) one() uint32 {
	switch m {
	case KeyShare:
		return keyShare
	case Share:
		return share
	case NoKeyUpdate:
		return noKeyUpdate
	case Update:
		return update
	}
	return 0
}

// admits reports whether one more holder in mode m may come. Shared modes have
// room for 16,383 holders; more have to wait.
func admits(word uint32, m LockMode) bool {
	switch m {
	case KeyShare:
		return word&update == 0 && word&keySharers != keySharers
	case Share:
		return word&(noKeyUpdate|update) == 0 && word&sharers != sharers
	case NoKeyUpdate:
		return word&(noKeyUpdate|update|sharers) == 0
	case Update:
		return word&(noKeyUpdate|update|sharers|keySharers) == 0
	}
	return true
}

// LockResult is what an attempt to lock an object came to.
type LockResult int

const (
	// Locked says that the caller holds the object in the mode it wanted.
	Locked LockResult = iota
	// Owned says that others hold it, or wait for it.
	Owned
	// Dead says that the object is gone for good.
	Dead
)

// word returns the lock word.
func (o *Object) word() uint32 { return uint32(o.lock.Load()) }

// LockFree locks the object in mode m if nobody holds it.
func (o *Object) LockFree(m LockMode) bool {
	all := o.lock.Load()
	return uint32(all) == 0 && o.lock.CompareAndSwap(all, all+uint64(m.one()))
}

// TryLock attempts to lock the object in mode to for a caller that holds it in the
// weaker mode from. It writes only if the word looks free. A newcomer, from
// Unlocked, goes behind those who wait.
func (o *Object) TryLock(from, to LockMode) LockResult {
	if from == Unlocked {
		return o.goOver(from, to, waiters)
	}
	return o.Admit(from, to)
}

// Admit is TryLock in front of all who wait.
func (o *Object) Admit(from, to LockMode) LockResult { return o.goOver(from, to, 0) }

// goOver goes from one mode to the other, unless a bit of keepOut is set.
func (o *Object) goOver(from, to LockMode, keepOut uint32) LockResult {
	for {
		all := o.lock.Load()
		word := uint32(all)
		switch word {
		case dead:
			return Dead
		case leaving:
			runtime.Gosched()
			continue
		}
		rest := word - from.one()
		if word&keepOut != 0 || !admits(rest, to) {
			return Owned
		}
		if o.lock.CompareAndSwap(all, with(all, rest+to.one())) {
			return Locked
		}
	}
}

// with returns the field with another lock word.
func with(all uint64, word uint32) uint64 { return all&^lockBits | uint64(word) }

// swap is CompareAndSwap of the lock word.
func (o *Object) swap(from, to uint32) bool {
	for {
		all := o.lock.Load()
		if uint32(all) != from {
			return false
		}
		if o.lock.CompareAndSwap(all, with(all, to)) {
			return true
		}
	}
}

// UnlockAlone gives the lock back that its only holder has in mode m. It fails if
// there are others, or somebody waits; that is for Lower.
func (o *Object) UnlockAlone(m LockMode) bool { return o.swap(m.one(), 0) }

// Lower goes from the mode in which the caller holds the object to a weaker one, or
// to Unlocked. It fails if somebody waits: LowerFor is for that.
func (o *Object) Lower(from, to LockMode) bool {
	for {
		word := o.word()
		if word&waiters != 0 {
			return false
		}
		if o.swap(word, word-from.one()+to.one()) {
			return true
		}
	}
}

// LowerFor is Lower while somebody waits, or did.
func (o *Object) LowerFor(from, to LockMode) {
	o.change(func(word uint32) uint32 { return word - from.one() + to.one() })
}

// AnnounceWaiter marks the object as waited for by one who holds it in mode from
// and wants to. It fails if there is nothing to wait for, or not for long enough.
func (o *Object) AnnounceWaiter(from, to LockMode) bool {
	word := o.word()
	if word&waiters != 0 {
		return true
	}
	return word != dead && word != leaving && !admits(word-from.one(), to) && o.swap(word, word|waiters)
}

// NoMoreWaiters takes the mark of AnnounceWaiter back.
func (o *Object) NoMoreWaiters() {
	o.change(func(word uint32) uint32 { return word &^ waiters })
}

func (o *Object) change(to func(word uint32) uint32) {
	for {
		word := o.word()
		if next := to(word); next == word || o.swap(word, next) {
			return
		}
	}
}

// Seize makes the one holder, in mode from, its owner in mode Update, whoever
// waits. It fails if there are others.
func (o *Object) Seize(from LockMode) bool {
	word := o.word()
	return word&^waiters == from.one() && o.swap(word, word&waiters|update)
}

// Exclusively returns the exclusive mode in which somebody holds the object, or
// Unlocked.
func (o *Object) Exclusively() LockMode {
	switch word := o.word(); {
	case word&update != 0:
		return Update
	case word&noKeyUpdate != 0:
		return NoKeyUpdate
	}
	return Unlocked
}

// IsLocked reports whether anybody holds the object or waits for it.
func (o *Object) IsLocked() bool { return o.word()&^dead != 0 }

// IsDead reports whether the object is gone.
func (o *Object) IsDead() bool { return o.word() == dead }

// kill marks an object dead that the caller holds in mode Update and nobody waits for.
func (o *Object) kill() bool { return o.swap(update, dead) }

// takeLeave holds a free object for as long as it takes to find out whether it can
// leave memory, some instructions. Who wants to lock it meanwhile tries again and
// does not queue: the end of this lets nobody in.
func (o *Object) takeLeave() LockResult {
	switch {
	case o.swap(0, leaving):
		return Locked
	case o.IsDead():
		return Dead
	}
	return Owned
}

// stay ends takeLeave, and so does die.
func (o *Object) stay() { o.swap(leaving, 0) }

func (o *Object) die() { o.swap(leaving, dead) }
