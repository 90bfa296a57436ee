package files

import (
	"errors"
	"io/fs"
	"os"
)

// ErrLocked is the error of a lock that another process, or another Lock of this one, holds.
var ErrLocked = errors.New("locked")

// Lock is a lock on a file, which ends with the process at the latest, however that ends. What is in the file
// is free for all to read and write.
type Lock struct{ f *os.File }

// TryLock locks a file, which it makes where there is none, or fails at once.
func TryLock(path string) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		f.Close()
		if errors.Is(err, ErrLocked) {
			return nil, err
		}
		return nil, &fs.PathError{Op: "lock", Path: path, Err: err}
	}
	return &Lock{f}, nil
}

// Unlock gives the lock back. The file stays: without it two processes could lock two files of one name.
func (l *Lock) Unlock() error { return l.f.Close() }
