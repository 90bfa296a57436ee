// Package files provides atomic file creation, locks that end with the process, and links to directories, on every
// operating system.
package files

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
)

// Pending is a new file under a temporary hidden name. Commit renames it to its final name, replacing an older file;
// Discard deletes it. The two may be called concurrently.
type Pending struct {
	f    *os.File
	path string // where it is to be
	mu   sync.Mutex
	done bool
}

// Create creates a pending file for path, with permissions 0644 less the umask.
func Create(path string) (*Pending, error) {
	for {
		beside := filepath.Join(filepath.Dir(path), fmt.Sprintf(".tmp-%016x", rand.Uint64()))
		f, err := os.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, meant(path, err)
		}
		return &Pending{f: f, path: path}, nil
	}
}

// Write appends to the file.
func (p *Pending) Write(b []byte) (int, error) {
	n, err := p.f.Write(b)
	return n, meant(p.path, err)
}

// Commit syncs the file and renames it to its final name. After an error the file is deleted, and an older file of the
// name remains.
func (p *Pending) Commit() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done {
		return meant(p.path, os.ErrClosed)
	}
	p.done = true
	err := errors.Join(p.f.Sync(), p.f.Close())
	if err == nil {
		err = Rename(p.f.Name(), p.path)
	}
	if err != nil {
		_ = os.Remove(p.f.Name())
		return meant(p.path, err)
	}
	return SyncDir(filepath.Dir(p.path), (*os.File).Sync)
}

// Discard deletes the file, unless Commit succeeded.
func (p *Pending) Discard() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.done {
		p.done = true
		p.f.Close()
		_ = os.Remove(p.f.Name())
	}
}

// Write writes a file atomically.
func Write(path string, data []byte) error {
	p, err := Create(path)
	if err != nil {
		return err
	}
	defer p.Discard()
	if _, err := p.Write(data); err != nil {
		return err
	}
	return p.Commit()
}

// meant makes an error name path instead of the temporary file.
func meant(path string, err error) error {
	if err == nil {
		return nil
	}
	cause := err
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		cause = e.Err
	} else if e, ok := errors.AsType[*os.LinkError](err); ok {
		cause = e.Err
	}
	return &fs.PathError{Op: "write", Path: path, Err: cause}
}
