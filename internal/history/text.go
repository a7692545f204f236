package history

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A history is written as text with a line for each transaction; the words behind
// the colon may come in any order:
//
//	keys: x y z                      their order; else by length, then alphabet
//	before: x=t9-1.1 after=4         values before the first line, and their timestamp
//	t1: update serializable 10..20 at=4 commit=5 r(x)=t9-1.1 w(y) d(z) none(x..z)
//	t2: read-only snapshot 30..40 rolled-back r(y)=t1 r(z)=nothing
//	own: t1(x) want=t1.2 got=t1.1
//
// 10..20 is from start to finish, at the snapshot, r a read, w a write, d a
// tombstone, none an empty range without its end. t1.2 is the second write of t1,
// and t1 the first; w(y).2 says that the second is the last. Names are of letters,
// digits and _. Lines that begin with # are comments.

// Text writes the history as text.
func (h *History) Text() string {
	var b strings.Builder
	if keys := h.keysNamed(); keys > 0 {
		b.WriteString("keys:")
		for k := range keys {
			b.WriteString(" " + h.name(Key(k)))
		}
		b.WriteString("\n")
	}
	if len(h.Before) > 0 || h.After > 0 {
		b.WriteString("before:")
		for _, r := range h.Before {
			fmt.Fprintf(&b, " %s=%v", h.name(r.Key), r.Version)
		}
		fmt.Fprintf(&b, " after=%d\n", h.After)
	}
	for i := range h.Txns {
		fmt.Fprintf(&b, "%v: %s\n", h.Txns[i].ID, strings.Join(h.Txns[i].words(h, nil), " "))
	}
	for _, o := range h.Own {
		fmt.Fprintf(&b, "own: %v(%s) want=%v got=%v\n", o.Txn, h.name(o.Key), o.Want, o.Got)
	}
	return b.String()
}

// keysNamed returns the number of keys that text needs names for: also the ends
// of ranges.
func (h *History) keysNamed() int {
	keys := countKeys(h)
	for i := range h.Txns {
		for _, r := range h.Txns[i].Empty {
			keys = max(keys, int(r.Lo)+1, int(r.Hi)+1)
		}
	}
	for _, o := range h.Own {
		keys = max(keys, int(o.Key)+1)
	}
	return keys
}

// words are what stands behind the colon, with what the transaction did to keys,
// or with everything if keys is nil.
func (t *Txn) words(h *History, keys map[Key]bool) []string {
	words := []string{t.Kind.String(), t.Level.String(), fmt.Sprintf("%d..%d", t.Start, t.Finish)}
	if t.Snapshot > 0 {
		words = append(words, fmt.Sprintf("at=%d", t.Snapshot))
	}
	switch {
	case t.Outcome != Committed:
		words = append(words, strings.ReplaceAll(t.Outcome.String(), " ", "-"))
	case t.Commit > 0:
		words = append(words, fmt.Sprintf("commit=%d", t.Commit))
	}
	skip := func(k Key) bool { return keys != nil && !keys[k] }
	for _, r := range t.Reads {
		if !skip(r.Key) {
			words = append(words, fmt.Sprintf("r(%s)=%v", h.name(r.Key), r.Version))
		}
	}
	for _, r := range t.Empty {
		if keys == nil || holdsAny(r, keys) {
			words = append(words, fmt.Sprintf("none(%s..%s)", h.name(r.Lo), h.name(r.Hi)))
		}
	}
	for _, w := range t.Writes {
		if !skip(w.Key) {
			words = append(words, w.word(h))
		}
	}
	return words
}

func (w Write) word(h *History) string {
	verb := "w"
	if w.Tombstone {
		verb = "d"
	}
	word := fmt.Sprintf("%s(%s)", verb, h.name(w.Key))
	if w.Seq != 1 {
		word += fmt.Sprintf(".%d", w.Seq)
	}
	return word
}

func holdsAny(r Range, keys map[Key]bool) bool {
	for k := range keys {
		if k >= r.Lo && k < r.Hi {
			return true
		}
	}
	return false
}

// Parse reads a history as Text writes it.
func Parse(text string) (*History, error) {
	p := &parser{h: new(History), keys: map[string]Key{}}
	lines := strings.Split(text, "\n")
	p.nameKeys(lines)
	for n, line := range lines {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if err := p.line(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
	}
	return p.h, nil
}

type parser struct {
	h    *History
	keys map[string]Key
}

// nameKeys numbers the names that stand in parentheses or before an equals sign, in
// the order of the keys line if there is one.
func (p *parser) nameKeys(lines []string) {
	var names []string
	for _, line := range lines {
		head, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		if head == "keys" {
			names = strings.Fields(rest)
			break
		}
		if head != "" && head[0] != '#' {
			names = append(names, namesIn(head, rest)...)
		}
	}
	if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(strings.TrimSpace(l), "keys:") }) {
		slices.SortFunc(names, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
	}
	for _, name := range names {
		if _, known := p.keys[name]; !known {
			p.keys[name] = Key(len(p.h.Names))
			p.h.Names = append(p.h.Names, name)
		}
	}
}

// namesIn lists the names of keys in a line.
func namesIn(head, rest string) (names []string) {
	for _, word := range strings.Fields(rest) {
		if head == "before" {
			if name, _, _ := strings.Cut(word, "="); name != "after" {
				names = append(names, name)
			}
			continue
		}
		if _, inner, is := strings.Cut(word, "("); is {
			inner, _, _ = strings.Cut(inner, ")")
			lo, hi, _ := strings.Cut(inner, "..")
			names = append(names, lo)
			if hi != "" {
				names = append(names, hi)
			}
		}
	}
	return names
}

func (p *parser) line(line string) error {
	head, rest, is := strings.Cut(line, ":")
	if !is {
		return fmt.Errorf("%q has no colon", line)
	}
	words := strings.Fields(rest)
	switch head {
	case "keys":
		for _, name := range words {
			if _, err := p.key(name); err != nil {
				return err
			}
		}
		return nil
	case "before":
		return p.before(words)
	case "own":
		return p.own(words)
	}
	id, err := parseID(head)
	if err != nil {
		return err
	}
	t := Txn{ID: id}
	for _, word := range words {
		if err := p.word(&t, word); err != nil {
			return fmt.Errorf("%q: %w", word, err)
		}
	}
	p.h.Txns = append(p.h.Txns, t)
	return nil
}

func (p *parser) before(words []string) error {
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		var err error
		if name == "after" {
			p.h.After, err = strconv.ParseUint(value, 10, 64)
		} else {
			err = p.valueBefore(name, value)
		}
		if err != nil {
			return fmt.Errorf("%q: %w", word, err)
		}
	}
	return nil
}

func (p *parser) valueBefore(name, value string) error {
	k, err := p.key(name)
	if err != nil {
		return err
	}
	v, err := parseVersion(value)
	p.h.Before = append(p.h.Before, Read{k, v})
	return err
}

func (p *parser) own(words []string) error {
	if len(words) != 3 {
		return fmt.Errorf("own takes a transaction with a key, want and got")
	}
	id, name, _ := strings.Cut(strings.TrimSuffix(words[0], ")"), "(")
	var o OwnRead
	var errs [4]error
	o.Txn, errs[0] = parseID(id)
	o.Key, errs[1] = p.key(name)
	o.Want, errs[2] = parseVersion(strings.TrimPrefix(words[1], "want="))
	o.Got, errs[3] = parseVersion(strings.TrimPrefix(words[2], "got="))
	p.h.Own = append(p.h.Own, o)
	return cmp.Or(errs[:]...)
}
