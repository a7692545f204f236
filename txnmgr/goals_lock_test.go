package txnmgr_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tierceldb/tiercel/internal/versus"
	"github.com/tierceldb/tiercel/txnmgr"
)

// The goals of the locks. That of an uncontended lock is in package deps, which
// knows when an object has been found.

// BenchmarkGoalReadersBesideLocks is a single-record select of 1,000 keys, each
// locked by one transaction and waited for by another, against the same when none
// is locked.
func BenchmarkGoalReadersBesideLocks(b *testing.B) {
	const locks = 1_000
	free, locked := newData(b, locks, txnmgr.Serializable), newData(b, locks, txnmgr.Serializable)
	ctx, cancel := context.WithCancel(context.Background())
	var waiters sync.WaitGroup
	defer waiters.Wait()
	defer cancel()
	for _, key := range locked.keys {
		lockKey(b, locked.m, ctx, key)
		waiters.Go(func() {
			tx, err := locked.m.Begin(context.Background())
			if err != nil {
				b.Error(err)
				return
			}
			defer tx.Rollback()
			if tx.Lock(ctx, key, txnmgr.ForUpdate) == nil {
				b.Error("two hold the key")
			}
		})
	}
	for locked.m.Stats().Waiting < locks {
		time.Sleep(time.Millisecond)
	}
	b.Run("locked=1000", func(b *testing.B) {
		versus.Run(b, 1.05, func(n int) { locked.get(0, n) }, func(n int) { free.get(0, n) })
	})
}

func lockKey(b *testing.B, m *txnmgr.Manager, ctx context.Context, key []byte) *txnmgr.Txn {
	tx, err := m.Begin(ctx)
	if err != nil {
		b.Fatal(err)
	}
	if err := tx.Lock(ctx, key, txnmgr.ForUpdate); err != nil {
		b.Fatal(err)
	}
	return tx
}

// BenchmarkHandOver shows the time from the end of one holder to the next having the
// lock, with 64 who wait for one key, over and over. The figures are per hand-over.
func BenchmarkHandOver(b *testing.B) {
	const waiting = 64
	d := newData(b, 1, txnmgr.Serializable)
	ctx := context.Background()
	var mu sync.Mutex
	var delays []time.Duration
	var released time.Time // protected by the lock on the key
	var workers sync.WaitGroup
	first := lockKey(b, d.m, ctx, d.keys[0])
	for range waiting {
		workers.Go(func() {
			for range b.N/waiting + 1 {
				tx := lockKey(b, d.m, ctx, d.keys[0])
				delay := time.Since(released)
				mu.Lock()
				delays = append(delays, delay)
				mu.Unlock()
				released = time.Now()
				tx.Rollback()
			}
		})
	}
	for d.m.Stats().Waiting < waiting {
		time.Sleep(time.Millisecond)
	}
	b.ResetTimer()
	released = time.Now()
	first.Rollback()
	workers.Wait()
	b.StopTimer()
	slices.Sort(delays)
	b.ReportMetric(float64(delays[len(delays)/2].Nanoseconds()), "p50-ns")
	b.ReportMetric(float64(delays[len(delays)*99/100].Nanoseconds()), "p99-ns")
}
