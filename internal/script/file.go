package script

import (
	"errors"
	"strings"
)

const sectionMark = "== "

// ErrNoSection reports a script with no section, or with steps before the first.
var ErrNoSection = errors.New("script: steps must stand in a section (== name)")

// File is a script: a preamble of comments, and sections that are independent of
// one another.
type File struct {
	Preamble []string
	Sections []Section
}

// Section is a run of steps on a store of its own.
type Section struct {
	Name  string
	Line  int      // the number of its first line in the file, from 1
	Lines []string // as they stand in the file, without the "== name"
}

// Parse splits a script into its sections. The steps are looked at when they run.
func Parse(text string) (File, error) {
	var f File
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if name, ok := strings.CutPrefix(line, sectionMark); ok {
			f.Sections = append(f.Sections, Section{Name: strings.TrimSpace(name), Line: i + 2})
			continue
		}
		if len(f.Sections) > 0 {
			s := &f.Sections[len(f.Sections)-1]
			s.Lines = append(s.Lines, line)
			continue
		}
		if !isComment(line) {
			return File{}, ErrNoSection
		}
		f.Preamble = append(f.Preamble, line)
	}
	if len(f.Sections) == 0 {
		return File{}, ErrNoSection
	}
	return f, nil
}

// String returns the text that Parse made the file from.
func (f File) String() string {
	lines := append([]string(nil), f.Preamble...)
	for _, s := range f.Sections {
		lines = append(lines, sectionMark+s.Name)
		lines = append(lines, s.Lines...)
	}
	return strings.Join(lines, "\n") + "\n"
}

// isComment reports whether a line is blank or nothing but a comment.
func isComment(line string) bool {
	line = strings.TrimSpace(line)
	return line == "" || strings.HasPrefix(line, "#")
}
