package data

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
)

// source is a text that can be read again and again.
type source struct {
	name  string // as messages call it
	id    string // which one it is, by whatever name
	size  int64  // bytes
	file  bool   // a file: its text may change
	sum   []byte // SHA-256 of the bytes, that each reading must have; nil: not known
	found bool   // come upon in a directory or by a glob: passed over, with a warning, if it is no text
	// separator stands between the documents of a source that brings its own; empty: the configuration's.
	separator string
	open      func() (io.ReadCloser, error)
	remarks   []string // of the last reading
	endings   int      // how often end-of-text is written out in it
}

// resolve finds the sources that the entries under a configuration key name: in the order of the entries, and
// sorted within each. A file named twice counts once. It warns of what was passed over.
func resolve(key string, entries []string) (all []source, warnings []string, err error) {
	seen := map[string]bool{}
	for _, entry := range entries {
		found, passed, err := resolveEntry(entry)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %s: %w", key, entry, err)
		}
		warnings = append(warnings, passed...)
		for _, s := range found {
			switch {
			case !seen[s.id]:
				seen[s.id] = true
				all = append(all, s)
			case !s.found:
				warnings = append(warnings, s.name+": named twice, read once")
			}
		}
	}
	if len(all) == 0 {
		return nil, nil, fmt.Errorf("%s: names no text", key)
	}
	return all, warnings, nil
}

func resolveEntry(entry string) (all []source, passed []string, err error) {
	if isBuiltin(entry) {
		b, err := parseBuiltin(entry)
		if err != nil {
			return nil, nil, err
		}
		return []source{b.source(entry)}, nil, nil
	}
	files, passed, err := findFiles(entry)
	if err != nil {
		return nil, nil, err
	}
	for _, f := range files {
		s, err := fileSource(f.path, f.info)
		if err != nil && f.path != entry {
			err = fmt.Errorf("%s: %w", f.path, err)
		}
		if err != nil {
			return nil, nil, err
		}
		s.found = f.upon
		all = append(all, s)
	}
	return all, passed, nil
}

func fileSource(path string, info fs.FileInfo) (source, error) {
	if !info.Mode().IsRegular() {
		return source{}, errors.New("not a regular file")
	}
	id, err := fileID(path)
	if err != nil {
		return source{}, err
	}
	return source{
		name: path,
		id:   id,
		size: info.Size(),
		file: true,
		open: func() (io.ReadCloser, error) {
			f, err := os.Open(path)
			if err != nil {
				return nil, err
			}
			return &sized{f, info.Size()}, nil
		},
	}, nil
}

// sized is a file that must have the size it had when it was found.
type sized struct {
	*os.File
	left int64
}

func (s *sized) Read(p []byte) (int, error) {
	n, err := s.File.Read(p)
	s.left -= int64(n)
	if s.left < 0 || errors.Is(err, io.EOF) && s.left > 0 {
		return n, errChanged
	}
	return n, err
}

// reader opens the source. Where its checksum is known, reading other bytes fails.
func (s *source) reader() (io.ReadCloser, error) {
	f, err := s.open()
	if err != nil || s.sum == nil {
		return f, err
	}
	return &summed{f, sha256.New(), s.sum}, nil
}

// checksum reads the source and notes what it has.
func (s *source) checksum() error {
	f, err := s.open()
	if err != nil {
		return bare(err)
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.CopyBuffer(sum, f, make([]byte, readSize)); err != nil {
		return bare(err)
	}
	s.sum = sum.Sum(nil)
	return nil
}

// summed must have a checksum at its end.
type summed struct {
	io.ReadCloser
	sum  hash.Hash
	want []byte
}

func (s *summed) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	s.sum.Write(p[:n])
	if errors.Is(err, io.EOF) && !bytes.Equal(s.sum.Sum(nil), s.want) {
		return n, errChanged
	}
	return n, err
}

var errChanged = errors.New("changed while it was read")

// bare is an error of the file system without the operation and the path, which our messages already name.
func bare(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
