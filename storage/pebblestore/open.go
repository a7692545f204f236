package pebblestore

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// resolve returns the one name of a directory of the operating system, because
// within a process Pebble tells directories apart by their names.
func resolve(in vfs.FS, dir string) (string, error) {
	if vfs.Root(in) != vfs.Default {
		return dir, nil
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return dir, err
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		return real, nil
	}
	above, err := filepath.EvalSymlinks(filepath.Dir(abs))
	if err != nil {
		return abs, nil // both are still to be made
	}
	return filepath.Join(above, filepath.Base(abs)), nil
}

// versionMarker is how the names of the files begin that say, by the rest of their
// names, a serial number and the version of the store.
const versionMarker = "marker.format-version."

// checkVersion refuses what Pebble would refuse, with an error that can be told
// from others.
func checkVersion(in vfs.FS, dir string) error {
	names, err := in.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var newest, version uint64
	for _, name := range names {
		if name == "CURRENT" {
			return fmt.Errorf("%w: made before Pebble had versions", ErrVersion)
		}
		if serial, v, ok := parseMarker(name); ok && serial >= newest {
			newest, version = serial, v
		}
	}
	if version == 0 || uint64(pebble.FormatMinSupported) <= version && version <= uint64(formatVersion) {
		return nil
	}
	return fmt.Errorf("%w: Pebble's format %d, not between %d and %d",
		ErrVersion, version, pebble.FormatMinSupported, formatVersion)
}

// parseMarker takes the name of a version marker apart.
func parseMarker(name string) (serial, version uint64, ok bool) {
	rest, ok := strings.CutPrefix(name, versionMarker)
	if !ok {
		return 0, 0, false
	}
	first, second, _ := strings.Cut(rest, ".")
	serial, err := strconv.ParseUint(first, 10, 64)
	if err != nil {
		return 0, 0, false
	}
	if version, err = strconv.ParseUint(second, 10, 64); err != nil {
		version = 1 // of no version that there is
	}
	return serial, version, true
}
