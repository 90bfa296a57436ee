//go:build !windows

package files

import (
	"errors"
	"os"
)

// Rename renames a file or directory atomically. A file replaces a file, a directory an empty directory. It survives a
// loss of power after SyncDir of the directory.
func Rename(from, to string) error { return os.Rename(from, to) }

// RemoveAll deletes a file or a directory tree, if it exists.
func RemoveAll(path string) error { return os.RemoveAll(path) }

// SyncDir syncs a directory's entries by force, which is (*os.File).Sync except in tests.
func SyncDir(path string, force func(*os.File) error) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(force(d), d.Close())
}

// InUse reports whether a rename or removal failed because a program has the file open: never on POSIX.
func InUse(error) bool { return false }
