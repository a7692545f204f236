// Package shootout repeats an experiment of 2016 with locks by object in the
// storage server of the ZODB (Object-level locking for ZODB, 2016): a number of
// clients add objects and change them, and each waits for a round trip on the
// network between the vote and the finish of its transactions, when whatever the
// vote has locked is held. With one lock for the store all others wait meanwhile.
//
// There, locks by object won over a slow network, up to 32 clients, and lost in a
// fast one: what they cost ate what the overlap gained. So the question here is
// both: what is won where there is something to wait for, and what is lost where
// there is nothing.
package shootout
