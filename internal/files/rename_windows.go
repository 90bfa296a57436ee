package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/windows"
)

// Rename renames a file or directory atomically. A file replaces a file. The rename is on the disk when it returns.
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

// RemoveAll deletes a file or a directory tree, if it exists.
//
// It uses plain deletions only: the kind that os.RemoveAll tries first is new in Windows 10, and neither every file
// system nor Wine 8 supports it.
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

// SyncDir does nothing: Windows can't sync directories, and Rename writes through.
func SyncDir(string, func(*os.File) error) error { return nil }

// InUse reports whether a rename or removal failed because a program has the file, or one in the directory, open.
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

// patience is how long to wait for programs that open every new file (virus scanners, indexers).
const patience = 2 * time.Second

// patiently retries op while the file is in use.
func patiently(op func() error) error {
	for wait, end := time.Millisecond, time.Now().Add(patience); ; wait *= 2 {
		err := op()
		if err == nil || !InUse(err) || time.Now().Add(wait).After(end) {
			return err
		}
		time.Sleep(wait)
	}
}
