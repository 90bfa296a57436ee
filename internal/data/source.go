package data

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// source is a text that can be read again and again.
type source struct {
	name  string // as messages call it
	id    string // its identity in the cache's key: changes when the text does
	size  int64  // bytes
	found bool   // come upon in a directory or by a glob: passed over, with a warning, if it is no text
	// separator stands between the documents of a source that brings its own; empty: the configuration's.
	separator string
	open      func() (io.ReadCloser, error)
}

// errNoText is what a source that isn't text fails with.
type errNoText struct{ reason string }

func (e *errNoText) Error() string { return e.reason }

// resolve finds the sources that the entries under a configuration key name: in the order of the entries,
// and sorted within each. A file named twice counts once.
func resolve(key string, entries []string) ([]source, error) {
	var all []source
	seen := map[string]bool{}
	for _, entry := range entries {
		found, err := resolveEntry(entry)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", key, entry, err)
		}
		for _, s := range found {
			if !seen[s.id] {
				seen[s.id] = true
				all = append(all, s)
			}
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: names no text", key)
	}
	return all, nil
}

func resolveEntry(entry string) ([]source, error) {
	if isBuiltin(entry) {
		b, err := parseBuiltin(entry)
		if err != nil {
			return nil, err
		}
		return []source{b.source(entry)}, nil
	}
	info, err := os.Stat(entry)
	switch {
	case err == nil && info.IsDir():
		return walk(entry)
	case err == nil:
		s, err := fileSource(entry, info)
		return []source{s}, err
	case errors.Is(err, fs.ErrNotExist) && strings.ContainsAny(entry, `*?[`):
		return glob(entry)
	}
	return nil, bare(err)
}

// glob finds the files that match a pattern, and those in matching directories.
func glob(pattern string) ([]source, error) {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return nil, errors.New("not a pattern (a [ that isn't closed?)")
	}
	var all []source
	for _, path := range paths { // sorted by Glob
		found, err := resolveEntry(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, found...)
	}
	if len(all) == 0 {
		return nil, errors.New("matches no file")
	}
	return markFound(all), nil
}

// walk finds the files in a directory and below it, leaving out hidden ones.
func walk(dir string) ([]source, error) {
	var all []source
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("%s: %w", path, bare(err))
		}
		if path != dir && strings.HasPrefix(d.Name(), ".") {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			return nil
		}
		info, err := os.Stat(path) // through symbolic links
		if err != nil {
			return fmt.Errorf("%s: %w", path, bare(err))
		}
		if info.Mode().IsRegular() {
			s, err := fileSource(path, info)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			all = append(all, s)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errors.New("a directory without files")
	}
	slices.SortFunc(all, func(a, b source) int { return strings.Compare(a.name, b.name) })
	return markFound(all), nil
}

func markFound(all []source) []source {
	for i := range all {
		all[i].found = true
	}
	return all
}

func fileSource(path string, info fs.FileInfo) (source, error) {
	if !info.Mode().IsRegular() {
		return source{}, errors.New("not a regular file")
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return source{}, err
	}
	return source{
		name: path,
		id:   fmt.Sprintf("file %q %d %d", absolute, info.Size(), info.ModTime().UnixNano()),
		size: info.Size(),
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
		return n, errors.New("changed while it was read")
	}
	return n, err
}

// bare is an error of the file system without the operation and the path, which our messages already name.
func bare(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
