package deps

import (
	"math"
	"slices"
	"sync"
)

// stands holds where validations of large read sets stand in the committed list:
// the purge must leave them the way on. The mutex is taken twice by such a commit,
// and by nobody else but the purge.
type stands struct {
	mu sync.Mutex // protects following field
	at []uint64   // timestamps of the records
}

// stand makes the last record the one from which a validation walks on. It is
// loaded under the mutex: a purge that does not find it there looked before, and
// cuts below what was visible even earlier.
func (m *Manager) stand(reads *manyReads) {
	s := &m.stands
	s.mu.Lock()
	defer s.mu.Unlock()
	reads.checked = m.section.tail.Load()
	reads.stood = reads.checked.CommitTS()
	s.at = append(s.at, reads.stood)
}

// stepOff ends what stand began.
func (m *Manager) stepOff(reads *manyReads) {
	s := &m.stands
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.at) - 1
	s.at[slices.Index(s.at, reads.stood)] = s.at[last]
	s.at = s.at[:last]
	reads.checked = nil
}

// lowest returns the lowest timestamp at which somebody stands.
func (s *stands) lowest() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.at) == 0 {
		return math.MaxUint64
	}
	return slices.Min(s.at)
}
