package deps

import "github.com/tierceldb/tiercel/storage"

// Validation (Serializable): no key and no range that was read has a committed
// version newer than the snapshot. So the transaction could as well have read
// everything at its commit timestamp, commit order is a serial order, and every
// snapshot is a prefix of it: read-only transactions need no validation (I8).
//
// A large read set is looked at outside the section, up to the last record of
// the committed list at that time; in the section only the records linked since
// are looked at. From that record on the list is not cut until the validation is
// over (stand). A small read set is looked at in the section right away.

// fewRecords is how many records may be looked at in the section.
const fewRecords = 64

// ConflictKind says what stood in the way of a commit.
type ConflictKind int

const (
	// WriteWrite is a key written here and, after the snapshot, by another.
	WriteWrite ConflictKind = iota
	// ReadWrite is a key read here, present or absent, and then written by another.
	ReadWrite
	// RangeWrite is a key in a range read here, and then written by another: a phantom.
	RangeWrite
)

// Conflict says what stood in the way of a commit. It is made while the snapshot
// still keeps Base from being purged.
type Conflict struct {
	Kind   ConflictKind
	Object *storage.Object
	Base   *storage.Version // what the snapshot sees, if anything
	Mine   *storage.Version // what would have been written, if anything
	Theirs *storage.Version // the newest committed version
	TS     uint64           // its commit timestamp
}

// Error makes a Conflict an error. Package txnmgr turns it into its own.
func (c *Conflict) Error() string { return "deps: conflict on key " + string(c.Object.Key()) }

// check looks at everything read.
func (m *Manager) check(r *Record) *Conflict {
	for _, o := range r.Reads.few {
		if o == nil {
			break
		}
		if c := m.checkObject(r, o); c != nil {
			return c
		}
	}
	if r.Reads.many == nil {
		return nil
	}
	return m.checkMany(r, r.Reads.many)
}

func (m *Manager) checkMany(r *Record, reads *manyReads) *Conflict {
	for _, o := range reads.objects {
		if c := m.checkObject(r, o); c != nil {
			return c
		}
	}
	for _, o := range reads.absent {
		if c := m.checkKey(r, o); c != nil {
			return c
		}
	}
	for i := range reads.ranges {
		if c := m.checkRange(r, &reads.ranges[i]); c != nil {
			return c
		}
	}
	return nil
}

// checkObject looks at an object. A dead one may have a successor with newer
// versions. Its death was marked before the successor could be made, so if a
// commit on the successor counts here, the mark is seen here.
func (m *Manager) checkObject(r *Record, o *storage.Object) *Conflict {
	if o.IsDead() {
		return m.checkKey(r, o)
	}
	return changed(r, o, ReadWrite)
}

// checkKey looks at the object that the table has for the key of o.
func (m *Manager) checkKey(r *Record, o *storage.Object) *Conflict {
	if o = m.Store.Lookup(o.Key(), o.Hash()); o != nil {
		return changed(r, o, ReadWrite)
	}
	return nil
}

// checkRange looks at every object in the range. One that a commit made is in the
// ordered index by then.
func (m *Manager) checkRange(r *Record, in *Range) *Conflict {
	at := m.Store.Ascend(in.Lo, in.end())
	for o := at.Next(); o != nil; o = at.Next() {
		if c := changed(r, o, RangeWrite); c != nil {
			return c
		}
	}
	return nil
}

// changed reports the newest committed version of o if it is newer than the snapshot.
func changed(r *Record, o *storage.Object, kind ConflictKind) *Conflict {
	if v, ts := storage.Newest(o.Head(), &r.State); ts > r.Snapshot {
		return &Conflict{Kind: kind, Object: o, Base: o.Visible(r.Snapshot), Theirs: v, TS: ts}
	}
	return nil
}

// checkRecords looks at the records linked after the last one checked, at most
// limit of them. It reports false if there are more.
func (r *Record) checkRecords(limit int) (*Conflict, bool) {
	reads := r.Reads.many
	for next := reads.checked.next.Load(); next != nil; next = next.next.Load() {
		if limit--; limit < 0 {
			return nil, false
		}
		if c := r.meets(next); c != nil {
			return c, true
		}
		reads.checked = next
	}
	return nil, true
}

// meets reports a key written by other that was read here.
func (r *Record) meets(other *Record) *Conflict {
	for i := range other.Writes {
		w := &other.Writes[i]
		if kind, met := r.Reads.meets(w.Object); met {
			base := w.Object.Visible(r.Snapshot)
			return &Conflict{Kind: kind, Object: w.Object, Base: base, Theirs: w.Version, TS: other.CommitTS()}
		}
	}
	return nil
}

func (s *ReadSet) meets(o *storage.Object) (ConflictKind, bool) {
	if s.hasKey(o) {
		return ReadWrite, true
	}
	return RangeWrite, s.inRange(o.Key())
}

// checkOutside is the part of the validation before the section.
func (m *Manager) checkOutside(r *Record) *Conflict {
	if r.Reads.isSmall() {
		return nil
	}
	if r.Reads.many.checked == nil {
		// First the record, then the look: what is committed up to the record is
		// linked in its chains.
		m.stand(r.Reads.many)
		if c := m.check(r); c != nil {
			return c
		}
	}
	for {
		if c, all := r.checkRecords(fewRecords); c != nil || all {
			return c
		}
	}
}

// checkInside is the part of the validation in the section. It reports false if
// too much was committed since the part before.
func (m *Manager) checkInside(r *Record) (*Conflict, bool) {
	if r.Reads.isSmall() {
		return m.check(r), true
	}
	return r.checkRecords(fewRecords)
}
