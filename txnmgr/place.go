package txnmgr

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tierceldb/tiercel/internal/fsys"
)

// place is where a store is restored to.
type place struct {
	dir  string      // its one name
	like os.FileInfo // the empty directory that is there, or nil
}

// building is where the store is until it is whole.
func (p place) building() string { return p.dir + ".restoring" }

// findPlace returns where to restore to, or why that cannot be.
func findPlace(dir string) (place, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return place{}, err
	}
	if _, err := os.Lstat(abs); errors.Is(err, os.ErrNotExist) {
		return newPlace(abs)
	}
	var p place
	if p.dir, err = fsys.OS().Resolve(abs); err != nil {
		return place{}, err
	}
	if err := checkEmpty(p.dir); err != nil {
		return place{}, err
	}
	if p.like, err = os.Stat(p.dir); err != nil {
		return place{}, err
	}
	if here, err := os.Stat("."); err == nil && os.SameFile(here, p.like) {
		return place{}, fmt.Errorf("%w: %s is where the program is, and would be replaced; restore to a directory below", ErrBadOption, dir)
	}
	return p, nil
}

// checkEmpty refuses a directory that has something in it.
func checkEmpty(dir string) error {
	names, err := os.ReadDir(dir)
	if err == nil && len(names) > 0 {
		err = fmt.Errorf("%w: %s", ErrNotEmpty, dir)
	}
	return err
}

// newPlace is one where nothing is. What is missing above it is made.
func newPlace(dir string) (place, error) {
	above, name := filepath.Split(dir)
	err := fsys.OS().MkdirAll(filepath.Clean(above))
	if err == nil {
		above, err = fsys.OS().Resolve(above)
	}
	return place{dir: filepath.Join(above, name)}, err
}

// claim makes the directory to build in, which nobody else may have made.
func (p place) claim() error {
	err := os.Mkdir(p.building(), 0o777)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%w: %s: another Restore is at work, or was cut short; in that case remove it", ErrNotEmpty, p.building())
	}
	if err != nil || p.like == nil {
		return err
	}
	return os.Chmod(p.building(), p.like.Mode().Perm())
}

// take gives the directory its name, in place of an empty one.
func (p place) take() error {
	if err := os.Remove(p.dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return cmp.Or(checkEmpty(p.dir), err) // somebody may have put something there
	}
	if err := os.Rename(p.building(), p.dir); err != nil {
		return err
	}
	return fsys.OS().SyncDir(filepath.Dir(p.dir))
}
