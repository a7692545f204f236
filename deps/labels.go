package deps

import "go.uber.org/atomic"

// labels remembers the labels of the latest commits, so that a conflict can name
// the other party although its record is gone. Commits without a label cost
// nothing.
type labels [256]atomic.Pointer[labelled]

type labelled struct {
	ts    uint64
	label string
}

func (l *labels) note(ts uint64, label string) {
	if label != "" {
		l[ts%uint64(len(l))].Store(&labelled{ts: ts, label: label})
	}
}

// LabelOf returns the label of the transaction that committed at ts, or "" if it
// had none or that was long ago.
func (m *Manager) LabelOf(ts uint64) string {
	if e := m.labels[ts%uint64(len(m.labels))].Load(); e != nil && e.ts == ts {
		return e.label
	}
	return ""
}
