package storage

// Replace makes v the only version of the object. It is for a store that nobody
// reads yet.
func (o *Object) Replace(v *Version) { o.head.Store(v) }
