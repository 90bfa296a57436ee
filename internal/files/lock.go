package files

import (
	"errors"
	"io/fs"
	"os"
)

// ErrLocked is the error of a lock that another process, or another Lock of this one, holds.
var ErrLocked = errors.New("locked")

// Lock is a lock on a file. It ends with the process at the latest, however that ends. It does not prevent reading or
// writing the file.
type Lock struct{ f *os.File }

// TryLock creates and locks a file, or fails at once with ErrLocked.
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

// Unlock releases the lock. The file stays: otherwise two processes could lock two files of the same name.
func (l *Lock) Unlock() error { return l.f.Close() }
