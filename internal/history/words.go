package history

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// word reads one word of a transaction's line.
func (p *parser) word(t *Txn, word string) (err error) {
	switch word {
	case Update.String():
		t.Kind = Update
	case ReadOnly.String():
		t.Kind = ReadOnly
	case Serializable.String():
		t.Level = Serializable
	case Snapshot.String():
		t.Level = Snapshot
	case "rolled-back":
		t.Outcome = RolledBack
	case "unknown":
		t.Outcome = Unknown
	default:
		return p.wordWithValue(t, word)
	}
	return nil
}

func (p *parser) wordWithValue(t *Txn, word string) (err error) {
	if ts, is := strings.CutPrefix(word, "at="); is {
		t.Snapshot, err = strconv.ParseUint(ts, 10, 64)
		return err
	}
	if ts, is := strings.CutPrefix(word, "commit="); is {
		t.Commit, err = strconv.ParseUint(ts, 10, 64)
		return err
	}
	verb, rest, is := strings.Cut(word, "(")
	if !is {
		return t.parseTimes(word)
	}
	name, value, is := strings.Cut(rest, ")")
	if !is {
		return errors.New("no closing parenthesis")
	}
	switch verb {
	case "r":
		return p.read(t, name, value)
	case "w", "d":
		return p.write(t, name, value, verb == "d")
	case "none":
		return p.empty(t, name)
	}
	return errors.New("not a word of a history")
}

func (t *Txn) parseTimes(word string) (err error) {
	start, finish, is := strings.Cut(word, "..")
	if !is {
		return errors.New("not a word of a history")
	}
	if t.Start, err = strconv.ParseInt(start, 10, 64); err != nil {
		return err
	}
	t.Finish, err = strconv.ParseInt(finish, 10, 64)
	return err
}

func (p *parser) read(t *Txn, name, value string) error {
	k, err := p.key(name)
	if err != nil {
		return err
	}
	v, err := parseVersion(strings.TrimPrefix(value, "="))
	t.Reads = append(t.Reads, Read{k, v})
	return err
}

func (p *parser) write(t *Txn, name, seq string, tombstone bool) error {
	k, err := p.key(name)
	if err != nil {
		return err
	}
	n := uint64(1)
	if digits, is := strings.CutPrefix(seq, "."); is {
		n, err = strconv.ParseUint(digits, 10, seqBits)
	} else if seq != "" {
		err = errors.New("a dot and a number may follow")
	}
	if writes(t, k) {
		err = errors.New("written before; only the last write of a key counts")
	}
	t.Writes = append(t.Writes, Write{Key: k, Seq: uint16(n), Tombstone: tombstone})
	return err
}

func (p *parser) empty(t *Txn, bounds string) error {
	lo, hi, _ := strings.Cut(bounds, "..")
	first, err := p.key(lo)
	if err != nil {
		return err
	}
	last, err := p.key(hi)
	t.Empty = append(t.Empty, Range{first, last})
	return err
}

func (p *parser) key(name string) (Key, error) {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) {
		return 0, fmt.Errorf("%q is not the name of a key", name)
	}
	k, known := p.keys[name]
	if !known {
		return 0, fmt.Errorf("key %q is not in the list of keys", name)
	}
	return k, nil
}

// parseID reads t12 or t3-12.
func parseID(text string) (ID, error) {
	digits, is := strings.CutPrefix(text, "t")
	session, number := "0", digits
	if s, n, two := strings.Cut(digits, "-"); two {
		session, number = s, n
	}
	s, err := strconv.ParseUint(session, 10, 16)
	if err != nil || !is {
		return 0, fmt.Errorf("%q is not a transaction, such as t12 or t3-12", text)
	}
	n, err := strconv.ParseUint(number, 10, numberBits)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%q is not a transaction, such as t12 or t3-12", text)
	}
	return NewID(uint16(s), uint32(n)), nil
}

// parseVersion reads t12, t12.3, or nothing.
func parseVersion(text string) (Version, error) {
	if text == Version(0).String() {
		return 0, nil
	}
	writer, digits, is := strings.Cut(text, ".")
	id, err := parseID(writer)
	if err != nil {
		return 0, err
	}
	seq := uint64(1)
	if is {
		if seq, err = strconv.ParseUint(digits, 10, seqBits); err != nil {
			return 0, fmt.Errorf("%q is not a version, such as t12 or t12.3", text)
		}
	}
	return id.version(uint16(seq)), nil
}
