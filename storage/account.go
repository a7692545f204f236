package storage

import "math/bits"

// The account of an object is the number of entries that the cache has of it, or is
// about to have, and what the last of them said it costs. It stands above the lock
// word.
//
// One is opened before the object is offered, and closed when the cache does not
// take it, drops it, or replaces it by another; so none is closed that was not
// opened, and while an object has an entry the account is not 0. When it falls to
// 0, nobody but a lock holder wants the object in memory.
const (
	accountOne  = 1 << 32
	chargeShift = 56
	accounts    = 1<<chargeShift - accountOne
)

func (o *Object) openAccount(charge uint8) {
	for {
		all := o.lock.Load()
		if o.lock.CompareAndSwap(all, (all+accountOne)<<8>>8|uint64(charge)<<chargeShift) {
			return
		}
	}
}

// closeAccount reports whether it was the last one.
func (o *Object) closeAccount() bool { return o.lock.Sub(accountOne)&accounts == 0 }

func (o *Object) hasAccount() bool { return o.lock.Load()&accounts != 0 }

// isCharged reports whether there is an entry that says about the right cost.
func (o *Object) isCharged(charge uint8) bool {
	all := o.lock.Load()
	return all&accounts != 0 && all>>chargeShift == uint64(charge)
}

// isChargedBelow reports whether there is an entry that says less.
func (o *Object) isChargedBelow(charge uint8) bool {
	all := o.lock.Load()
	return all&accounts != 0 && all>>chargeShift < uint64(charge)
}

// chargeOf rounds a cost to one of the eighths between two powers of two.
func chargeOf(cost int64) uint8 {
	n := bits.Len64(uint64(cost))
	if n <= 3 {
		return uint8(cost)
	}
	return uint8(min(n, 31)<<3) | uint8(cost>>(n-4))&7
}
