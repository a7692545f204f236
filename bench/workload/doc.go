// Package workload drives a transaction manager as fast as it goes and counts
// what happened: a mix of reads and updates (Mix), and a long run of nothing
// but read-only transactions (ReadOnly).
//
// The measured loops allocate nothing themselves, look at the clock only in
// the transactions chosen for timing, and every goroutine counts on cache
// lines of its own. Totals are published once in publishEvery transactions,
// so that a progress line can be drawn without slowing down what it shows.
package workload
