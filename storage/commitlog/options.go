package commitlog

// Options are the settings of a log. The zero value is a good one.
type Options struct {
	// StoreID is the store that the log must belong to, or will, if it is new. If
	// it is zero, any will do, and a new log draws one.
	StoreID StoreID

	// SegmentBytes is the size of new segments, rounded up to a multiple of 4096:
	// 32 MiB if 0. Existing segments keep their size.
	SegmentBytes int64

	// Spares is how many segments that are no longer needed are kept for use
	// again, rather than removed: 2 if 0.
	Spares int

	// After is the timestamp after which a new log begins, for a store that was
	// filled by other means. An existing log takes no notice.
	After uint64
}

const (
	defaultSegmentBytes = 32 << 20
	defaultSpares       = 2
	minSegmentBytes     = segmentHeader + segmentAlign
)

// filled returns the options with the defaults in place of zeros.
func (o Options) filled() Options {
	if o.SegmentBytes <= 0 {
		o.SegmentBytes = defaultSegmentBytes
	}
	o.SegmentBytes = max(minSegmentBytes, (o.SegmentBytes+segmentAlign-1)&^(segmentAlign-1))
	if o.Spares <= 0 {
		o.Spares = defaultSpares
	}
	return o
}
