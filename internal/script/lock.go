package script

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Locker is a Txn that can lock keys.
type Locker interface {
	Lock(ctx context.Context, key string, l Lock) error
	GetForUpdate(ctx context.Context, key string, l Lock) (string, error)
}

// Lock is what a lock step asks for, or a get for update.
type Lock struct {
	Mode     string // one of Modes
	Patience Patience
	Timeout  time.Duration // with UntilTimeout
}

// Patience says what is to happen if others hold the key.
type Patience int

// Wait for the key, be told at once, be told without the names of the holders, or
// wait for a while.
const (
	Wait Patience = iota
	NoWait
	SkipLocked
	UntilTimeout
)

// Modes lists the words for the modes of locks, the weakest first.
func Modes() []string { return []string{"key share", "share", "no key update", "update"} }

// parseLock reads the words behind the key: [MODE] [nowait | skip | timeout D].
func parseLock(words []string) (Lock, error) {
	var l Lock
	text := strings.Join(words, " ")
	for _, mode := range Modes() {
		if text == mode || strings.HasPrefix(text, mode+" ") {
			l.Mode = mode
			words = words[strings.Count(mode, " ")+1:]
			break
		}
	}
	switch {
	case l.Mode == "":
		return l, fmt.Errorf("%q does not begin with a mode: %s", text, strings.Join(Modes(), ", "))
	case len(words) == 0:
	case slices.Equal(words, []string{"nowait"}):
		l.Patience = NoWait
	case slices.Equal(words, []string{"skip"}):
		l.Patience = SkipLocked
	default:
		l.Patience = UntilTimeout
		var err error
		l.Timeout, err = parseDuration("timeout", words)
		return l, err
	}
	return l, nil
}

// parseDuration reads two words: a given one, and a duration.
func parseDuration(word string, words []string) (time.Duration, error) {
	if len(words) != 2 || words[0] != word {
		return 0, fmt.Errorf("%q is not %s and a duration", strings.Join(words, " "), word)
	}
	return time.ParseDuration(words[1])
}

// lock takes a lock step.
func (a *actor) lock(s step) string {
	l, err := parseLock(s.args[1:])
	if err != nil {
		return err.Error()
	}
	locker, can := a.txn.(Locker)
	if !can {
		return "no locks here"
	}
	return a.name(locker.Lock(s.ctx, s.args[0], l))
}

// getForUpdate takes the step get KEY for update.
func (a *actor) getForUpdate(s step) string {
	if s.args[1] != "for" {
		return fmt.Sprintf("get takes a key, and perhaps for update; not %q", s.args[1])
	}
	l, err := parseLock(s.args[2:])
	switch locker, can := a.txn.(Locker); {
	case err != nil:
		return err.Error()
	case l.Mode != "update":
		return "get is for update, or without a lock"
	case !can:
		return "no locks here"
	default:
		value, err := locker.GetForUpdate(s.ctx, s.args[0], l)
		if err != nil {
			return a.name(err)
		}
		return quoteEmpty(value)
	}
}
