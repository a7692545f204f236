package script

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
)

// scan is what a scan, scandesc, sum, open or opendesc step asks for.
type scan struct {
	Range
	limit int // leave it after so many pairs; 0: run it to its end
}

// parseScan reads the words behind the verb, or behind the cursor's name:
// [lo [hi]] [limit n].
func parseScan(verb string, args []string) (scan, error) {
	s := scan{}
	if strings.HasSuffix(verb, "desc") {
		s.Order = Descending
	}
	if n := len(args); n >= 2 && args[n-2] == "limit" {
		limit, err := strconv.Atoi(args[n-1])
		if err != nil || limit < 1 {
			return s, fmt.Errorf("%s: limit %q is not a positive number", verb, args[n-1])
		}
		s.limit, args = limit, args[:n-2]
	}
	if len(args) > 2 {
		return s, fmt.Errorf("%s takes at most two keys, not %d", verb, len(args))
	}
	bounds := append(args[:len(args):len(args)], "", "")
	s.Lo, s.Hi = bounds[0], bounds[1]
	return s, nil
}

// render reads the range and writes what it found.
func (s scan) render(txn Txn) string {
	var words []string
	for key, value := range txn.Scan(s.Range) {
		words = append(words, renderPair(key, value))
		if len(words) == s.limit {
			break
		}
	}
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, " ")
}

// sum reads the range and writes the sum of its values.
func (s scan) sum(txn Txn) string {
	sum, left := 0, s.limit
	for key, value := range txn.Scan(s.Range) {
		n, err := strconv.Atoi(value)
		if err != nil {
			return renderPair(key, value) + " is not a number"
		}
		sum += n
		if left--; left == 0 {
			break
		}
	}
	return strconv.Itoa(sum)
}

func renderPair(key, value string) string { return quoteEmpty(key) + "=" + quoteEmpty(value) }

// cursor is a scan that a script takes step by step.
type cursor struct {
	next func() (key, value string, more bool)
	stop func()
	left bool // stopped, or at its end
}

func newCursor(pairs iter.Seq2[string, string]) *cursor {
	c := &cursor{}
	c.next, c.stop = iter.Pull2(pairs)
	return c
}

// step moves the cursor to its next pair and writes it.
func (c *cursor) step() string {
	if c.left {
		return "end"
	}
	key, value, more := c.next()
	if !more {
		c.left = true
		return "end"
	}
	return renderPair(key, value)
}

// leave ends the cursor before its range does.
func (c *cursor) leave() {
	c.left = true
	c.stop()
}
