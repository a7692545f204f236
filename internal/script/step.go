package script

import (
	"context"
	"fmt"
	"strings"
)

const (
	arrow      = " -> "
	remark     = " # "
	completion = "..."
	waits      = "waits"
	ok         = "ok"
)

// step is one line of a section, without the outcome that stood behind its arrow.
type step struct {
	text    string // as it stands in the script
	comment string
	actor   string // the transaction; "" for a step of the store itself
	verb    string
	args    []string

	how    How             // of begin
	ctx    context.Context // of the call, if it takes one
	cancel context.CancelFunc
}

// parseStep reads one line that is neither a comment nor a completion.
func parseStep(line string) (step, error) {
	text, comment, _ := strings.Cut(line, remark)
	text, _, _ = strings.Cut(text+" ", arrow)
	s := step{text: strings.TrimSpace(text), comment: strings.TrimSpace(comment)}
	words := strings.Fields(s.text)
	if !isStoreVerb(words[0]) {
		s.actor, words = words[0], words[1:]
	}
	if len(words) == 0 {
		return s, fmt.Errorf("transaction %s does nothing", s.actor)
	}
	s.verb, words = words[0], words[1:]
	if s.actor == "" && len(words) > 0 && words[0] == "prepared" {
		s.verb, words = s.verb+" prepared", words[1:]
	}
	for _, word := range words {
		s.args = append(s.args, unquote(word))
	}
	return s, s.check()
}

// isStoreVerb reports whether a step starting with this word is the store's own.
func isStoreVerb(word string) bool {
	switch word {
	case "load", "dump", "purge", "count", "sleep", "cancel", "locks", "prepared",
		"commit", "commit prepared", "rollback", "rollback prepared":
		return true
	}
	return false
}

// check refuses unknown verbs and wrong numbers of arguments, so that the code
// that performs a step may rely on both.
func (s step) check() error {
	least, most, known := s.arity()
	if !known {
		return fmt.Errorf("unknown step %q", s.verb)
	}
	if len(s.args) < least || len(s.args) > most {
		return fmt.Errorf("%s takes %d to %d words, not %d", s.verb, least, most, len(s.args))
	}
	return nil
}

// arity returns how many words may follow the step's verb.
func (s step) arity() (least, most int, known bool) {
	if s.actor == "" {
		return s.storeArity()
	}
	switch s.verb {
	case "commit", "rollback":
		return 0, 0, true
	case "delete", "savepoint", "rollbackto", "next", "stop":
		return 1, 1, true
	case "begin", "prepare":
		return 1, 3, true
	case "get":
		return 1, 5, true
	case "lock":
		return 2, 6, true
	case "put", "insert":
		return 2, 2, true
	case "scan", "scandesc", "sum":
		return 0, 4, true
	case "open", "opendesc":
		return 1, 3, true
	}
	return 0, 0, false
}

// storeArity is arity for steps of the store itself.
func (s step) storeArity() (least, most int, known bool) {
	switch s.verb {
	case "dump", "purge", "count", "locks", "prepared":
		return 0, 0, true
	case "sleep", "cancel", "commit prepared", "rollback prepared":
		return 1, 1, true
	case "load":
		return 1, 1 << 10, true
	}
	return 0, 0, false
}

// render writes the step with the outcome it had this time.
func (s step) render(outcome string) string {
	line := s.text
	if outcome != ok || s.verb == "commit" || s.verb == "commit prepared" {
		line += arrow + outcome
	}
	if s.comment != "" {
		line += " " + remark + s.comment
	}
	return line
}

// parsePairs reads the words behind load: k=v ...
func parsePairs(args []string) ([][2]string, error) {
	pairs := make([][2]string, 0, len(args))
	for _, arg := range args {
		key, value, found := strings.Cut(arg, "=")
		if !found {
			return nil, fmt.Errorf("load: %q is not k=v", arg)
		}
		pairs = append(pairs, [2]string{unquote(key), unquote(value)})
	}
	return pairs, nil
}

// quoteEmpty makes a word of the empty string, which would not be one otherwise.
func quoteEmpty(s string) string {
	if s == "" {
		return `""`
	}
	return s
}

// unquote is the inverse of quoteEmpty.
func unquote(word string) string {
	if word == `""` {
		return ""
	}
	return word
}
