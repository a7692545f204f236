package pebblestore

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tierceldb/tiercel/internal/fsys"
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
	if real, err := fsys.OS().Resolve(abs); err == nil {
		return real, nil
	}
	above, err := fsys.OS().Resolve(filepath.Dir(abs))
	if err != nil {
		return abs, nil // both are still to be made
	}
	return filepath.Join(above, filepath.Base(abs)), nil
}

// check refuses a directory that Pebble would refuse with an error that cannot be
// told from others, or would take for an older or an empty store. A directory that
// does not exist is fine.
func check(in vfs.FS, dir string) error {
	names, err := in.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := checkVersion(names); err != nil {
		return err
	}
	if err := checkOptions(in, dir, names); err != nil {
		return err
	}
	return checkManifest(in, dir, names)
}

// checkOptions looks at what Pebble says of its options in the newest of the files for
// that, as Pebble does; but that does not say which file it refuses, nor that the file
// is damaged. It has no checksum: most of what may be wrong with it does no harm.
func checkOptions(in vfs.FS, dir string, names []string) error {
	newest, name := uint64(0), ""
	for _, n := range names {
		number, ok := strings.CutPrefix(n, "OPTIONS-")
		if serial, err := strconv.ParseUint(number, 10, 64); ok && err == nil && serial >= newest {
			newest, name = serial, n
		}
	}
	if name == "" {
		return nil
	}
	data, err := readFile(in, in.PathJoin(dir, name))
	if err != nil {
		return incomplete(err)
	}
	p := base(in)
	p.EnsureDefaults()
	if err := p.CheckCompatibility(dir, string(data)); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrCorrupt, name, err)
	}
	return nil
}

// checkVersion looks for the version in the names of the files.
func checkVersion(names []string) error {
	if slices.Contains(names, "CURRENT") {
		return fmt.Errorf("%w: made before Pebble had versions", ErrVersion)
	}
	marked := marker(names, "format-version")
	if marked == "" {
		return nil
	}
	version, err := strconv.ParseUint(marked, 10, 64)
	if err != nil || version < uint64(pebble.FormatMinSupported) || version > uint64(formatVersion) {
		return fmt.Errorf("%w: Pebble's format %q, not one from %d to %d",
			ErrVersion, marked, pebble.FormatMinSupported, formatVersion)
	}
	return nil
}

// marker returns what is said by the name of a file in this way:
//
//	marker.format-version.000011.024
//
// The third part is a serial number: the greatest counts.
func marker(names []string, of string) (value string) {
	newest := uint64(0)
	for _, name := range names {
		rest, ok := strings.CutPrefix(name, "marker."+of+".")
		if !ok {
			continue
		}
		number, said, _ := strings.Cut(rest, ".")
		if serial, err := strconv.ParseUint(number, 10, 64); err == nil && serial >= newest {
			newest, value = serial, said
		}
	}
	return value
}
