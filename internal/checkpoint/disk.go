package checkpoint

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"dmtrain/internal/files"
)

// disk is the file system as a sequence of operations, any of which may be the last before a crash. Tests set before to
// make one fail or to record them, and sync to save time.
type disk struct {
	before func(op, path string) error
	sync   func(*os.File) error // nil: File.Sync
}

func (d disk) force(f *os.File) error {
	if d.sync == nil {
		return f.Sync()
	}
	return d.sync(f)
}

func (d disk) do(op, path string) error {
	if d.before == nil {
		return nil
	}
	return d.before(op, path)
}

// fileSum is the expected size and checksum of a file.
type fileSum struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// create writes a new file and syncs it.
func (d disk) create(path string, write func(io.Writer) error) (fileSum, error) {
	if err := d.do("create", path); err != nil {
		return fileSum{}, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return fileSum{}, err
	}
	sum := sha256.New()
	counted := &counter{w: io.MultiWriter(sum, faulty{d, path, f})}
	buffered := bufio.NewWriterSize(counted, chunkBytes)
	err = write(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	if err == nil {
		err = d.do("sync", path)
	}
	if err == nil {
		err = d.force(f)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fileSum{}, err
	}
	return fileSum{counted.n, hex.EncodeToString(sum.Sum(nil))}, nil
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

type faulty struct {
	disk
	path string
	f    *os.File
}

func (w faulty) Write(p []byte) (int, error) {
	if err := w.do("write", w.path); err != nil {
		return 0, err
	}
	return w.f.Write(p)
}

// replace writes a file atomically, replacing an older one.
func (d disk) replace(path string, data []byte) error {
	beside := filepath.Join(filepath.Dir(path), tmpPrefix+filepath.Base(path))
	_, err := d.create(beside, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
	if err != nil {
		return err
	}
	if err := d.rename(beside, path); err != nil {
		return err
	}
	return d.syncDir(filepath.Dir(path))
}

// point makes path a name of the directory target, replacing an older name.
func (d disk) point(path, target string) error {
	beside := filepath.Join(filepath.Dir(path), tmpPrefix+filepath.Base(path))
	if err := d.remove(beside); err != nil {
		return err
	}
	if err := d.do("point", path); err != nil {
		return err
	}
	if err := files.Point(beside, target); err != nil {
		return err
	}
	return d.rename(beside, path)
}

func (d disk) mkdir(path string) error {
	if err := d.do("mkdir", path); err != nil {
		return err
	}
	return os.MkdirAll(path, 0o755)
}

func (d disk) rename(from, to string) error {
	if err := d.do("rename", to); err != nil {
		return err
	}
	return files.Rename(from, to)
}

// remove deletes a file or a whole directory, if it exists.
func (d disk) remove(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := d.do("remove", path); err != nil {
		return err
	}
	return files.RemoveAll(path)
}

// syncDir syncs a directory's entries.
func (d disk) syncDir(path string) error {
	if err := d.do("sync", path); err != nil {
		return err
	}
	return files.SyncDir(path, d.force)
}
