// Package commitlog keeps groups of commits on disk, in commit order. What a
// group contains is the caller's business: here it is bytes with the first and
// the last commit timestamp of the group.
//
// # Contract
//
//   - When Append returns nil, its groups are on the disk and survive a crash.
//   - After a crash, Replay delivers a prefix of what was handed to Append, in
//     that order, byte for byte, and at least what Append had returned nil for.
//   - Anything else that is found, a flipped bit, a missing file, is an error that
//     says where. Only a write that had not been acknowledged may be cut off.
//   - A failed write or sync ends the log: nothing more is appended, since what
//     the failed sync lost cannot be known. What was appended before stays.
//   - Truncate gives up whole segments at the old end; Replay delivers
//     everything that is younger.
//
// One thing cannot be told from the outside: damage to the very last write before
// a crash, and a write that was torn by the crash, look the same. A log that was
// closed ends in a mark, so there even that is noticed.
//
// # Use
//
// Open, then Replay, then any number of Append, then Close. Append is for one
// goroutine; all other methods may be called by any, at any time. No method
// starts a goroutine. Nothing that is handed in is kept or modified, and the
// payload that Replay hands out is valid during the call only.
//
// Append takes as many groups as there are, and costs one write and one sync for
// all of them. So the caller collects what arrives while the previous call runs.
//
// A full disk must show before the order of a commit is fixed. So Reserve
// makes room, in segments that are ready to be written, and whoever reserves
// what it appends does not run out of room there: Need says how much that is.
//
// # Files
//
// The directory holds a lock file; segments, NNNNNNNNNNNNNNNN.log with a number in
// hexadecimal; and spares, spare-N, which become segments. All numbers little
// endian. A segment is preallocated and written with zeros, so that a sync has
// no metadata to write:
//
//	┌──────────────┬───────┬───────┬─── ─ ─ ┬──────┬───────────────
//	│ header 4096  │ frame │ frame │        │ seal │ zeros, or what was here before
//	└──────────────┴───────┴───────┴─── ─ ─ ┴──────┴───────────────
//
//	header  "tiercelL"  checksum 4  version 4  store id 16  number 8  base 8  size 8
//
//	frame   "Tcl"  kind 1  length 4  first 8  last 8  write 8  sum 4  sum 4  payload  padding
//
// Frames begin at multiples of 8. The first sum is the CRC32C of store id, segment
// number, position of the frame and the 32 bytes before it; the second one goes on
// from there with payload and padding. So a frame that an earlier use left in a
// recycled segment is none. A group that does not fit goes on in the next
// segment, in parts (kinds b, m, e instead of g), so that no room is lost at the
// ends and all segments have the same size. Write is the position at which the
// write that the frame was part of began: since one begins only when the one
// before it is on the disk, an intact frame proves that all before its write
// had been acknowledged.
//
// The timestamps of seals and marks are 0. Base is a timestamp that no group begun in an earlier segment exceeds.
//
// A segment that is followed by another one ends in a seal (kind s), which is on
// the disk before the next segment gets its first frame, and after that one is
// there to be found. So a segment without a seal may only be the last one that
// has any frames, and one with a seal is never the last. Every opening starts a
// new segment; the seal of the one before lies over whatever was torn there. The
// last write before it is written again: if its sync had failed and only the
// program was started anew, it can be read and yet never get to the disk. A log
// that is closed ends in a mark (kind c).
//
// A segment is written past the cache of the system, where that is possible, and so in
// whole blocks of 4096 bytes. What follows the last frame of a write in its block are
// zeros; the next write repeats the block up to there.
//
// # Assumptions about the disk
//
// After a crash each byte that was being written has the old or the new value;
// bytes that were not being written are what they were. A sync that
// returned nil has told the truth. Names of files survive when their directory was
// synced.
//
// # Reading the source
//
// frame.go and segment.go are the format, walk.go reads the frames of a segment
// and chain.go puts segments together: Replay and Verify share them. log.go is
// the life of a log, append.go the writer, reserve.go and spare.go the room,
// truncate.go the old end.
package commitlog
