package storage

// The lock word of an object. It says who may link a version: an update
// transaction from vote until it has stamped its versions.
const (
	held    = 1 << iota // somebody owns the object
	waiters             // somebody waits for it; who, package deps knows
	dead                // the object is gone: it leaves the indexes and has no versions any more
)

// LockResult is what an attempt to lock an object came to.
type LockResult int

const (
	// Locked says that the caller owns the object now.
	Locked LockResult = iota
	// Owned says that somebody else does.
	Owned
	// Dead says that the object is gone for good.
	Dead
)

// TryLock attempts to win the lock word. It writes only if the word looks free.
func (o *Object) TryLock() LockResult {
	switch word := o.lock.Load(); {
	case word == 0 && o.lock.CompareAndSwap(0, held):
		return Locked
	case word == dead:
		return Dead
	}
	return Owned
}

// Unlock gives the lock word back. It fails if somebody waits: the lock must
// then be handed over.
func (o *Object) Unlock() bool { return o.lock.CompareAndSwap(held, 0) }

// AnnounceWaiter marks the held object as waited for. It fails if the object is
// not held any more.
func (o *Object) AnnounceWaiter() bool {
	return o.lock.Load() == held|waiters || o.lock.CompareAndSwap(held, held|waiters)
}

// NoMoreWaiters takes the mark of AnnounceWaiter back. The object stays held,
// whoever holds it.
func (o *Object) NoMoreWaiters() { o.lock.CompareAndSwap(held|waiters, held) }

// IsDead reports whether the object is gone.
func (o *Object) IsDead() bool { return o.lock.Load() == dead }

// kill marks an object dead that the caller holds and nobody waits for.
func (o *Object) kill() bool { return o.lock.CompareAndSwap(held, dead) }
