// Package script runs isolation scripts: text in which a handful of named
// transactions take steps in a stated order, with the outcome of each step
// behind an arrow.
//
//	# Write skew: each of two doctors leaves because the other is on call.
//	== serializable
//	load alice=on bob=on
//	t1 begin serializable
//	t2 begin serializable
//	t1 scan -> alice=on bob=on
//	t2 scan -> alice=on bob=on
//	t1 put alice off
//	t2 put bob off
//	t1 commit -> ok
//	t2 commit -> conflict
//	dump -> alice=off bob=on
//
// The interleaving is the order of the lines. Every transaction has a goroutine
// of its own, so a step that blocks holds up nobody else: it shows "waits", and
// the line "... t2 put k v -> ok" after the step that released it shows how it
// came out. That a goroutine waits, and is not merely slow, can only be told
// inside a testing/synctest bubble, so Run is handed the bubble's Wait.
//
// A run writes the script anew with the outcomes it saw. A script holds if the
// two texts are the same, and is brought up to date by saving the new one.
//
// # Lines
//
// A line "== name" starts a section; each section runs on a store of its own.
// Blank lines, lines that start with # and what follows " # " on a line are
// comments. An outcome of ok is left out, except behind commit and commit prepared.
// The word "" is the empty string.
//
//	load k=v ...              commit these values before the transactions start
//	dump                      all keys and values, as a new read-only transaction sees them
//	purge                     one full purge
//	count                     objects and versions in the store
//	sleep D                   let time go by, a duration such as 20ms
//	cancel t                  cancel the context of t if it was begun cancellable, and
//	                          else that of the call in which it waits
//	locks                     who holds what, and who waits for it
//	prepared                  what is prepared
//	commit prepared XID       finish it
//	rollback prepared XID
//	t begin LEVEL [cancellable | timeout D]
//	                          begin transaction t; each name begins once
//	t get k                   the value, or absent
//	t get k for update [nowait | skip | timeout D]
//	t lock k MODE [nowait | skip | timeout D]
//	                          MODE: key share, share, no key update or update
//	t put k v
//	t insert k v              ok, or exists
//	t delete k
//	t scan [lo [hi]] [limit n]      lo <= key < hi, in ascending order, at most n pairs
//	t scandesc [lo [hi]] [limit n]  the same range, greatest key first
//	t sum [lo [hi]]           the sum of the values in the range
//	t open c [lo [hi]]        a cursor c over the range, which nobody has read yet
//	t opendesc c [lo [hi]]
//	t next c                  its next pair, or end
//	t stop c                  leave the cursor where it is
//	t savepoint name
//	t rollbackto name
//	t prepare XID [limit D]
//	t commit                  ok, or conflict
//	t rollback
//
// The words for errors (absent, exists, conflict, done ...) are the store's.
package script
