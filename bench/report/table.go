package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Table is a table of text with a heading. The first column is aligned left,
// the others right, as suits numbers.
type Table struct {
	Heading []string   // may be empty
	Rows    [][]string // of any number of cells
}

// Add appends a row.
func (t *Table) Add(cells ...string) { t.Rows = append(t.Rows, cells) }

// Write prints the table, indented by two spaces.
func (t *Table) Write(w io.Writer) {
	widths := t.widths()
	if len(t.Heading) > 0 {
		writeRow(w, widths, t.Heading)
	}
	for _, row := range t.Rows {
		writeRow(w, widths, row)
	}
}

func (t *Table) widths() []int {
	var widths []int
	for _, row := range append([][]string{t.Heading}, t.Rows...) {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	return widths
}

func writeRow(w io.Writer, widths []int, row []string) {
	var line strings.Builder
	for i, cell := range row {
		space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		if i == 0 {
			line.WriteString("  " + cell + space)
		} else {
			line.WriteString("  " + space + cell)
		}
	}
	fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
}
