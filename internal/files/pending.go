// Package files does what must hold on every system's file system: a file appears whole or not at all, a
// process that ends gives its lock back, a name can stand for a directory.
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

// Pending is a new file that is not under its name yet. Commit puts it there in place of what has the name, and
// Discard deletes it; without either it stays beside, as a hidden file. Both may be called at the same time.
type Pending struct {
	f    *os.File
	path string // where it is to be
	mu   sync.Mutex
	done bool
}

// Create begins a file that is to be path. Its permissions are 0644 but for what the system's umask takes away.
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

// Commit forces the file to the disk and gives it its name. After an error nothing is left of it, and what had the
// name has it still.
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

// Discard deletes the file, unless Commit gave it its name.
func (p *Pending) Discard() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.done {
		p.done = true
		p.f.Close()
		_ = os.Remove(p.f.Name())
	}
}

// Write makes data the content of path, whole or not at all.
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

// meant is an error about the file that path is to be, not about the one beside it.
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
