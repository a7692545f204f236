// Package redo is the encoding of a group of commits: what is needed to do them
// again after a restart, on a replica, or in whatever follows the changes of a
// store. The commit log keeps it as the payload of a frame.
//
// # Writing
//
// A payload is appended to a buffer of the caller, piece by piece, so that no piece
// has to exist in a form of its own first, and nothing is allocated but a buffer
// that is too small:
//
//	buf = redo.AppendHeader(buf[:0])
//	buf = redo.AppendCommit(buf, 0, 41, "", 2)
//	buf = redo.AppendPut(buf, key, value)
//	buf = redo.AppendDelete(buf, other)
//	buf = redo.AppendCommit(buf, 41, 42, "", 1) // after the commit at 41
//	…
//
// A record says first how many elements follow, and exactly so many must. This is
// not checked here: the writer of a log has no use for an error at that point. Tests
// read back what was written.
//
// The functions whose names begin with Size say how much the pieces take at most,
// for whoever reserves room before the timestamps are known.
//
// # Reading
//
// A [Reader] returns record after record. It trusts nothing: damaged bytes are an
// error that says where. What was read without error has exactly one encoding, so
// writing it again gives the same bytes.
//
// What records mean is not looked at: whether a prepared transaction exists that a
// commit finishes, or whether one key is written twice.
//
// # Format
//
// Numbers are uvarints as in encoding/binary, in as few bytes as possible. A
// string is its length and its bytes. n× means as many as was said.
//
//	payload  version, then records up to the end
//	commit   'c' distance writes       n×write
//	         'f' distance xid writes   n×write     finishes a prepared transaction
//	prepare  'p' xid label since limit writes locks keys ranges
//	             n×write n×lock n×key n×range
//	dropped  'd' xid
//	opened   'o' distance
//
//	write    length of key·2, length of value, key, value
//	         length of key·2 + 1, key                        a deletion
//	lock     key mode
//	key      string
//	range    0 lo hi   lo ≤ key < hi
//	         1 lo hi   lo ≤ key ≤ hi
//	         2 lo      lo ≤ key
//
// Distance is from the timestamp before in the payload, or from 0. Since is a
// varint (signed). Version and mode are bytes.
//
// # Reading the source
//
// append.go writes, size.go says how much that is, record.go is what reader.go
// returns, cursor.go takes the pieces apart.
package redo
