package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/windows"
)

// Rename gives a file or directory another name, at once. A file takes the place of a file. When it returns, it is
// on the disk.
func Rename(from, to string) error {
	err := patiently(func() error {
		old, err := windows.UTF16PtrFromString(from)
		if err != nil {
			return err
		}
		now, err := windows.UTF16PtrFromString(to)
		if err != nil {
			return err
		}
		return windows.MoveFileEx(old, now, windows.MOVEFILE_REPLACE_EXISTING|windows.MOVEFILE_WRITE_THROUGH)
	})
	if err != nil {
		return &os.LinkError{
			Op:  "rename",
			Old: from,
			New: to,
			Err: err,
		}
	}
	return nil
}

// RemoveAll deletes a file, or a directory with all that is in it, if it is there.
//
// It asks for nothing but plain deletions: the one that os.RemoveAll asks for first is new in Windows 10, and not
// every file system and not Wine 8 has it.
func RemoveAll(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.IsDir() {
		entries, err := os.ReadDir(path)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := RemoveAll(filepath.Join(path, e.Name())); err != nil {
				return err
			}
		}
	}
	return patiently(func() error { return os.Remove(path) })
}

// SyncDir has nothing to do here: a directory can't be forced to the disk, and Rename wrote it through.
func SyncDir(string, func(*os.File) error) error { return nil }

// InUse reports whether a rename or removal failed since a program has the file, or one in the directory, open.
func InUse(err error) bool {
	for _, busy := range []error{windows.ERROR_SHARING_VIOLATION, windows.ERROR_LOCK_VIOLATION,
		windows.ERROR_ACCESS_DENIED,
		windows.ERROR_USER_MAPPED_FILE} {
		if errors.Is(err, busy) {
			return true
		}
	}
	return false
}

// patience is how long whoever looks into every new file (virus scanners, search indexers) may take.
const patience = 2 * time.Second

// patiently does op, again and again while the file is in use.
func patiently(op func() error) error {
	for wait, end := time.Millisecond, time.Now().Add(patience); ; wait *= 2 {
		err := op()
		if err == nil || !InUse(err) || time.Now().Add(wait).After(end) {
			return err
		}
		time.Sleep(wait)
	}
}
