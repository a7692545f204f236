package deps_test

import "github.com/tierceldb/tiercel/internal/explore"

func storeScenes() []scene[storeState, storeFault] {
	return []scene[storeState, storeFault]{
		{"writers of one key", false, writersOfOneKey},
		{"stamping", false, stamping},
		{"group and reader", false, groupAndReader},
		{"write skew", false, writeSkew},
		{"write skew, large read sets", false, writeSkewLarge},
		{"large read set and purge", false, largeAndPurge},
		{"deletion and new insert", false, deletionAndInsert},
		{"tombstone and older update", true, tombstoneAndUpdate},
		{"tombstone, older update under way", false, tombstoneAndOpenUpdate},
		{"tombstone and older blind write", true, tombstoneAndBlindWrite},
		{"failed vote on a new key", true, failedVote},
		{"failed vote, its conflict committed", false, failedVoteUnderWay},
		{"purge between snapshots", true, purgeBetweenSnapshots},
		{"two purges", false, twoPurges},
	}
}

func puts(keys ...int) (writes []write) {
	for _, key := range keys {
		writes = append(writes, write{key: key})
	}
	return writes
}

func deletes(key int) []write { return []write{{key: key, tombstone: true}} }

func (m *storeModel) purger(number, times int) explore.Process[storeState] {
	p := m.process("purger")
	p.purgeAll(number, times)
	return p.done()
}

// writersOfOneKey: a lost update would be seen here.
func writersOfOneKey(fault storeFault) explore.Model[storeState] {
	m := newStoreModel(fault, 1)
	return m.model(
		m.txn(0, storePlan{reads: []int{0}, writes: puts(0)}),
		m.txn(1, storePlan{writes: puts(0)}),
		m.txn(2, storePlan{reads: []int{0}}),
	)
}

// stamping: readers load while versions become committed and stamped.
func stamping(fault storeFault) explore.Model[storeState] {
	m := newStoreModel(fault, 1)
	return m.model(
		m.txn(0, storePlan{writes: puts(0, 1)}),
		m.txn(1, storePlan{reads: []int{0, 1}, fine: true}),
		m.purger(0, 1),
	)
}

// groupAndReader: two commits that may pass the section together.
func groupAndReader(fault storeFault) explore.Model[storeState] {
	m := newStoreModel(fault, 2)
	return m.model(
		m.txn(0, storePlan{writes: puts(0)}),
		m.txn(1, storePlan{writes: puts(1)}),
		m.txn(2, storePlan{reads: []int{0, 1}}),
	)
}

func writeSkew(fault storeFault) explore.Model[storeState] {
	m := newStoreModel(fault, 2)
	return m.model(
		m.txn(0, storePlan{reads: []int{0, 1}, writes: puts(0), serial: true}),
		m.txn(1, storePlan{reads: []int{0, 1}, writes: puts(1), serial: true}),
	)
}

// writeSkewLarge: and the keys are ranges, one of them empty at first.
func writeSkewLarge(fault storeFault) explore.Model[storeState] {
	m := newStoreModel(fault, 1)
	plan := func(key int) storePlan {
		return storePlan{reads: []int{0, 1}, writes: puts(key), serial: true, large: true, ordered: true}
	}
	return m.model(m.txn(0, plan(0)), m.txn(1, plan(1)))
}

// largeAndPurge: a large read set is checked along records that a purge is done with.
func largeAndPurge(fault storeFault) explore.Model[storeState] {
	m := newStoreModel(fault, 1)
	large := storePlan{reads: []int{0}, writes: puts(1), serial: true, large: true, ordered: true}
	open := m.upTo("outside: load tail", m.txn(0, large))
	return m.model(open, m.txn(1, storePlan{writes: puts(0)}), m.purger(0, 2))
}

func deletionAndInsert(fault storeFault) explore.Model[storeState] {
	m := newStoreModel(fault, 1)
	return m.model(
		m.txn(0, storePlan{writes: deletes(0)}),
		m.txn(1, storePlan{writes: puts(0)}),
		m.purger(0, 2),
	)
}

// tombstoneAndUpdate: a key comes and goes while a transaction is open that read
// that it was absent. The grave must stay until that has been told.
func tombstoneAndUpdate(fault storeFault) explore.Model[storeState] {
	m := newStoreModel(fault, 0)
	return m.model(
		m.txn(0, storePlan{reads: []int{0}, writes: puts(1), serial: true}),
		m.txns(1, storePlan{writes: puts(0)}, 2, storePlan{writes: deletes(0)}),
		m.purger(0, 1),
	)
}

// tombstoneAndOpenUpdate is the same, with the update begun and the key inserted.
func tombstoneAndOpenUpdate(fault storeFault) explore.Model[storeState] {
	m := newStoreModel(fault, 0)
	open := m.upTo("write k1: look up", m.txn(0, storePlan{reads: []int{0}, writes: puts(1), serial: true}))
	m.past(m.txn(1, storePlan{writes: puts(0)}))
	return m.model(open, m.txn(2, storePlan{writes: deletes(0)}), m.purger(0, 1))
}

func tombstoneAndBlindWrite(fault storeFault) explore.Model[storeState] {
	m := newStoreModel(fault, 1)
	return m.model(
		m.txn(0, storePlan{writes: puts(0)}),
		m.txn(1, storePlan{writes: deletes(0)}),
		m.txn(2, storePlan{reads: []int{0}, ordered: true}),
		m.purger(0, 1),
	)
}

// failedVote: a vote that fails on the second key has made an object for the
// first. Another transaction has read that object, and must still be told of the
// next one with the same key.
func failedVote(fault storeFault) explore.Model[storeState] {
	m := newStoreModel(fault, 0)
	return m.model(
		m.txn(0, storePlan{writes: puts(0, 1)}),
		m.txns(1, storePlan{writes: puts(1)}, 3, storePlan{writes: puts(0)}),
		m.txn(2, storePlan{reads: []int{0}, writes: puts(1), serial: true}),
	)
}

// failedVoteUnderWay is the same, with the commit done that makes the vote fail.
func failedVoteUnderWay(fault storeFault) explore.Model[storeState] {
	m := newStoreModel(fault, 0)
	failing := m.upTo("write k0: look up", m.txn(0, storePlan{writes: puts(0, 1)}))
	m.past(m.txn(1, storePlan{writes: puts(1)}))
	return m.model(
		failing,
		m.txn(3, storePlan{writes: puts(0)}),
		m.txn(2, storePlan{reads: []int{0}, writes: puts(1), serial: true}),
	)
}

func purgeBetweenSnapshots(fault storeFault) explore.Model[storeState] {
	m := newStoreModel(fault, 1)
	return m.model(
		m.txns(0, storePlan{writes: puts(0)}, 1, storePlan{writes: puts(0)}),
		m.txn(2, storePlan{reads: []int{0}}),
		m.purger(0, 2),
	)
}

// twoPurges: of two versions that are superseded when they begin.
func twoPurges(fault storeFault) explore.Model[storeState] {
	m := newStoreModel(fault, 1)
	m.past(m.txns(0, storePlan{writes: puts(0)}, 1, storePlan{writes: puts(0)}))
	return m.model(
		m.txn(2, storePlan{reads: []int{0}}),
		m.purger(0, 1),
		m.purger(1, 1),
	)
}
