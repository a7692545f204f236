package commitlog

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/tierceldb/tiercel/internal/fsys"
)

// Report is what Verify found.
type Report struct {
	StoreID  StoreID // of the first segment
	Segments int     // files that hold the log
	Oldest   uint64  // number of the first of them
	Spares   int     // files that could become segments
	Frames   int     // groups
	Bytes    int64   // of payload
	First    uint64  // first timestamp of the first group
	Last     uint64  // last timestamp of the last group
	Base     uint64  // all groups younger than this are there
	End      uint64  // of all that will be appended none is older than this

	DiskBytes int64 // size of all files
	Closed    bool  // the log was closed, so that nothing is missing at its end

	// Torn is where a write was cut off by a crash, if it left traces.
	Torn *Position

	// Errors are the things that are wrong, in the order of the segments.
	Errors []error
}

// Position is a place in a log.
type Position struct {
	Segment uint64 // its number
	Offset  int64  // in the segment's file, in bytes
}

// Verify reads a whole log and reports what is in it, and what is wrong with it.
// It changes nothing and takes no lock: somebody who is just appending looks
// like corruption. The error is for what could not be read.
func Verify(fs fsys.FS, dir string) (Report, error) { return VerifyEach(fs, dir, Visitor{}) }

// Visitor is told about the log while it is verified. Either function may be nil.
type Visitor struct {
	// Group gets each group that is intact, and the number of the segment in which
	// it ends. An error ends the verification, and is returned.
	Group func(segment uint64, f Frame) error
	// Progress is told how many of all bytes are done.
	Progress func(done, all int64)
}

// VerifyEach is Verify, and has somebody else look at what it reads.
func VerifyEach(fs fsys.FS, dir string, visitor Visitor) (Report, error) {
	found, err := list(fs, dir)
	if err != nil {
		return Report{}, fmt.Errorf("commitlog: %w", err)
	}
	v := verification{fs: fs, dir: dir, visitor: visitor, report: Report{Segments: len(found.segments), Spares: len(found.spares)}}
	if len(found.segments) > 0 {
		v.report.Oldest = found.segments[0]
	}
	if err := v.measure(found); err != nil {
		return v.report, located(err)
	}
	for _, number := range found.segments {
		if err := v.segment(number); err != nil {
			return v.report, located(err)
		}
	}
	v.finish()
	return v.report, nil
}

// measure finds out how much there is.
func (v *verification) measure(found files) error {
	for _, name := range found.spares {
		size, err := v.size(name)
		if err != nil {
			return err
		}
		v.report.DiskBytes += size
	}
	for _, number := range found.segments {
		size, err := v.size(segmentName(number))
		if err != nil {
			return err
		}
		v.all += size
	}
	v.report.DiskBytes += v.all
	v.tell(0)
	return nil
}

func (v *verification) size(name string) (int64, error) {
	f, err := v.fs.Read(filepath.Join(v.dir, name))
	if err != nil {
		return 0, err
	}
	size, err := f.Size()
	return size, errors.Join(err, f.Close())
}

// tell says that so many more bytes are done.
func (v *verification) tell(bytes int64) {
	v.done += bytes
	if v.visitor.Progress != nil {
		v.visitor.Progress(min(v.done, v.all), v.all)
	}
}

// verification is a Verify on its way.
type verification struct {
	fs        fsys.FS
	dir       string
	visitor   Visitor
	chain     *chain // nil before the first segment, and after an error
	number    uint64 // of the segment that is read
	buf       []byte
	done, all int64 // bytes
	report    Report
}

// segment reads the next segment. What is wrong with it goes to the report; the
// segments after it are then read as if the log began there.
func (v *verification) segment(number uint64) error {
	h, err := readHeader(v.fs, v.dir, number)
	v.number = number
	defer v.tell(h.size)
	if err == nil {
		err = v.owns(h)
	}
	if err == nil {
		err = v.frames(h)
	}
	if !finding(err) {
		return err
	}
	v.report.Errors = append(v.report.Errors, err)
	v.chain = nil
	return nil
}

// finding tells whether an error is something that is wrong with the log.
func finding(err error) bool {
	var corruption *CorruptionError
	return errors.As(err, &corruption) || errors.Is(err, ErrVersion) || errors.Is(err, ErrStoreID)
}

func (v *verification) owns(h header) error {
	if v.report.StoreID == (StoreID{}) {
		v.report.StoreID, v.report.Base = h.store, h.base
	}
	if h.store != v.report.StoreID {
		return fmt.Errorf("%w: segment %d is of store %s, those before of %s", ErrStoreID, h.number, h.store, v.report.StoreID)
	}
	return nil
}

// frames reads the frames of a segment. If a segment is missing before it, that
// is reported, and the chain begins anew.
func (v *verification) frames(h header) error {
	var err error
	if v.buf, err = readSegment(v.fs, v.dir, h, v.buf); err != nil {
		return err
	}
	if v.chain != nil {
		if err := v.chain.follows(h); err != nil {
			v.report.Errors = append(v.report.Errors, err)
			v.chain = nil
		}
	}
	if v.chain == nil {
		v.chain = newChain(h.store, v.group)
	}
	v.report.End = max(v.report.End, h.base)
	return v.chain.add(h, v.buf)
}

// group counts a group.
func (v *verification) group(f Frame) error {
	if v.report.Frames == 0 {
		v.report.First = f.First
	}
	v.report.Frames++
	v.report.Bytes += int64(len(f.Payload))
	v.report.Last = f.Last
	v.report.End = max(v.report.End, f.Last)
	if v.visitor.Group != nil {
		return v.visitor.Group(v.number, f)
	}
	return nil
}

// finish looks at the end of the log.
func (v *verification) finish() {
	v.tell(v.all - v.done)
	if v.chain == nil {
		return
	}
	if err := v.chain.finish(); err != nil {
		v.report.Errors = append(v.report.Errors, err)
	}
	if t, ok := v.chain.torn(); ok {
		v.report.Torn = &Position{Segment: t.segment, Offset: t.position}
	}
	v.report.Closed = v.chain.closed
}
