package pebblestore

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/cockroachdb/pebble/v2"
)

// Errors of opening.
var (
	// ErrVersion says that the directory holds a store that this package cannot
	// read: one of a version of Pebble or of this package that is newer, or too old,
	// or one that was not made by this package at all.
	ErrVersion = errors.New("pebblestore: a store of another version")
	// ErrCorrupt says that what is on the disk is not what was written. Reading may
	// say so at any time, with the error of Pebble that names the file. Nothing that
	// a checksum does not cover is ever returned.
	ErrCorrupt = errors.New("pebblestore: corrupt")
)

// Errors of a store in use.
var (
	// ErrClosed is what a closed store says, and what a call gets that Close found
	// waiting.
	ErrClosed = errors.New("pebblestore: closed")
	// ErrFailed says that the store could not write one of the few files that say
	// which of the others count, so that nobody knows what is on the disk: nothing is
	// written any more, by any goroutine, until the store is opened again. Reading
	// goes on. The error wraps what the file system said first.
	ErrFailed = errors.New("pebblestore: failed for good")
	// ErrTooLarge says that one call of Apply was given more than Pebble can apply
	// at once, 2 GiB. Nothing was applied.
	ErrTooLarge = errors.New("pebblestore: too much for one Apply")
)

// wrongLength is in what Pebble says of tables that have not the length that the
// manifest says. It has no name for that error.
const wrongLength = "object size mismatch"

// incomplete makes an error of opening a database that is there match ErrCorrupt if
// a file is missing, or a part of one.
func incomplete(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, pebble.ErrDBNotPristine) || errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), wrongLength) {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return corrupt(err)
}

// corrupt makes an error of Pebble match ErrCorrupt if it is about what the disk
// holds.
func corrupt(err error) error {
	if err == nil || errors.Is(err, ErrCorrupt) || !pebble.IsCorruptionError(err) {
		return err
	}
	if info := pebble.ExtractDataCorruptionInfo(err); info != nil {
		return &corruption{path: info.Path, cause: err}
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}

// corruption is an error of Pebble about a file that it has open. Pebble knows its path,
// but does not say it, and adds a line that says nothing.
type corruption struct {
	path  string
	cause error
}

// Error says where and what.
func (c *corruption) Error() string {
	what, _, _ := strings.Cut(c.cause.Error(), "\n")
	return fmt.Sprintf("%v: %s: %s", ErrCorrupt, c.path, what)
}

// Unwrap returns ErrCorrupt and what Pebble says.
func (c *corruption) Unwrap() []error { return []error{ErrCorrupt, c.cause} }
