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

// input is a text that can be read more than once: a file or a generated text.
type input struct {
	name  string // in messages
	id    string // the same for every name of one input
	size  int64  // bytes
	file  bool   // a file, whose text may change
	sum   []byte // SHA-256 that every reading must have; nil if not known
	found bool   // found in a directory or by a glob: skipped with a warning if it is not text
	// separator between the input's documents; empty: the configured one.
	separator string
	open      func() (io.ReadCloser, error)
	remarks   []string // warnings of the last reading
	endings   int      // occurrences of end-of-text, spelled out
}

// resolve finds the inputs that the entries of a configuration key name, in the order of the entries and sorted within
// each. A file that is named twice counts once. The warnings tell what was skipped.
func resolve(key string, entries []string) (all []input, warnings []string, err error) {
	seen := map[string]bool{}
	for _, entry := range entries {
		found, skipped, err := resolveEntry(entry)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %s: %w", key, entry, err)
		}
		warnings = append(warnings, skipped...)
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

func resolveEntry(entry string) (all []input, skipped []string, err error) {
	if isBuiltin(entry) {
		b, err := parseBuiltin(entry)
		if err != nil {
			return nil, nil, err
		}
		return []input{b.input(entry)}, nil, nil
	}
	files, skipped, err := findFiles(entry)
	if err != nil {
		return nil, nil, err
	}
	for _, f := range files {
		s, err := fileInput(f.path, f.info)
		if err != nil && f.path != entry {
			err = fmt.Errorf("%s: %w", f.path, err)
		}
		if err != nil {
			return nil, nil, err
		}
		s.found = f.found
		all = append(all, s)
	}
	return all, skipped, nil
}

func fileInput(path string, info fs.FileInfo) (input, error) {
	if !info.Mode().IsRegular() {
		return input{}, errors.New("not a regular file")
	}
	id, err := fileID(path)
	if err != nil {
		return input{}, err
	}
	return input{
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

// sized is a file whose size must not have changed.
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

// reader opens the input. If its checksum is known, reading other bytes fails.
func (s *input) reader() (io.ReadCloser, error) {
	f, err := s.open()
	if err != nil || s.sum == nil {
		return f, err
	}
	return &summed{f, sha256.New(), s.sum}, nil
}

// checksum reads the input and sets its checksum.
func (s *input) checksum() error {
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

// summed fails at its end if its checksum is wrong.
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

// bare strips operation and path from an error of the file system, since messages name the path already.
func bare(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
