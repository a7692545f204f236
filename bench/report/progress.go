package report

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// occasionally is the least time between two lines of a Progress that does not
// write to a terminal: enough to see that something moves, not enough to fill
// a log.
const occasionally = 5 * time.Second

// lineWidth is how much of a progress line is shown. A line that wraps cannot
// be redrawn.
const lineWidth = 79

// Progress shows how a run is getting on: one line that is redrawn on a
// terminal, a line now and then elsewhere. Several goroutines may use it.
type Progress struct {
	mu    sync.Mutex // protects following fields
	w     io.Writer
	style style
	shown int       // runes on the terminal's line now
	last  time.Time // of the last line elsewhere
}

// style is how a Progress writes.
type style int

const (
	redrawn style = iota
	lines
)

// NewProgress returns a Progress for w, which is redrawn if w is a terminal.
func NewProgress(w io.Writer) *Progress {
	p := &Progress{w: w, style: lines}
	if f, ok := w.(*os.File); ok && isTerminal(f) {
		p.style = redrawn
	}
	return p
}

// isTerminal reports whether a line can be redrawn on f.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}

// Show replaces the progress line. Elsewhere than on a terminal most calls
// write nothing.
func (p *Progress) Show(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	line := cut(fmt.Sprintf(format, args...))
	if p.style == redrawn {
		p.redraw(line)
		return
	}
	if now := time.Now(); now.Sub(p.last) >= occasionally {
		p.last = now
		fmt.Fprintln(p.w, line)
	}
}

// Clear removes the progress line, so that results can be printed.
func (p *Progress) Clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.style == redrawn && p.shown > 0 {
		p.redraw("")
		fmt.Fprint(p.w, "\r")
	}
}

func (p *Progress) redraw(line string) {
	n := utf8.RuneCountInString(line)
	fmt.Fprint(p.w, "\r"+line+strings.Repeat(" ", max(p.shown-n, 0)))
	p.shown = n
}

func cut(line string) string {
	if runes := []rune(line); len(runes) > lineWidth {
		return string(runes[:lineWidth])
	}
	return line
}
