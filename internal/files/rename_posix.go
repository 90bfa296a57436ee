//go:build !windows

package files

import (
	"errors"
	"os"
)

// Rename gives a file or directory another name, at once. A file takes the place of a file, a directory that of an
// empty one. It survives a loss of power once the directory is forced to the disk: SyncDir.
func Rename(from, to string) error { return os.Rename(from, to) }

// RemoveAll deletes a file, or a directory with all that is in it, if it is there.
func RemoveAll(path string) error { return os.RemoveAll(path) }

// SyncDir forces the names in a directory to the disk, by force: (*os.File).Sync but for tests.
func SyncDir(path string, force func(*os.File) error) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(force(d), d.Close())
}

// InUse reports whether a rename or removal failed since a program has the file open: never here, where files
// outlive their names.
func InUse(error) bool { return false }
