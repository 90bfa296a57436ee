package data

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"dmtrain/internal/files"
)

// file is a file that an entry of the configuration names.
type file struct {
	path string
	info fs.FileInfo // of what links lead to
	upon bool        // come upon in a directory or by a glob
}

// finder finds files. Links are followed; a directory that can be reached in several ways is read once, so that
// loops end.
type finder struct {
	files  []file
	passed []string        // what was passed over, and why
	read   map[string]bool // directories, by what links lead to
}

// findFiles finds the files that an entry names, sorted: a file, all in a directory and below it but the hidden
// ones, or what matches a pattern.
func findFiles(entry string) ([]file, []string, error) {
	f := &finder{read: map[string]bool{}}
	info, err := os.Stat(entry)
	switch {
	case err == nil && info.IsDir():
		if err := f.dir(entry); err != nil {
			return nil, nil, err
		}
		if len(f.files) == 0 {
			return nil, nil, errors.New("a directory without files" + f.whatPassed())
		}
	case err == nil:
		f.files = []file{{path: entry, info: info}}
	case files.Missing(err) && strings.ContainsAny(entry, `*?[`):
		if err := f.glob(entry); err != nil {
			return nil, nil, err
		}
	default:
		return nil, nil, missing(entry, err)
	}
	slices.SortStableFunc(f.files, func(a, b file) int { return strings.Compare(a.path, b.path) })
	return f.files, f.passed, nil
}

// glob finds the files that match a pattern, and those in matching directories, leaving out hidden ones unless the
// pattern names them.
func (f *finder) glob(pattern string) error {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return errors.New("not a pattern (a [ that isn't closed?)")
	}
	for _, path := range paths {
		if hidden(path) && !hidden(pattern) {
			continue
		}
		if err := f.upon(path); err != nil {
			return err
		}
	}
	if len(f.files) == 0 {
		return errors.New("matches no file" + f.whatPassed())
	}
	return nil
}

// dir finds the files in a directory and below it, leaving out hidden ones.
func (f *finder) dir(dir string) error {
	id, err := fileID(dir)
	if err != nil || f.read[id] {
		return err
	}
	f.read[id] = true
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("%s: %w", dir, bare(err))
	}
	for _, e := range entries {
		if hidden(e.Name()) {
			continue
		}
		if err := f.upon(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// hidden says whether a name begins with a dot, as the shell leaves out.
func hidden(path string) bool { return strings.HasPrefix(filepath.Base(path), ".") }

// upon takes what was come upon at a path.
func (f *finder) upon(path string) error {
	info, err := os.Stat(path)
	switch link, lerr := os.Lstat(path); {
	case err != nil && lerr == nil && link.Mode()&fs.ModeSymlink != 0:
		f.passed = append(f.passed, fmt.Sprintf("%s: passed over: a link that leads nowhere (%v)", path, bare(err)))
	case err != nil:
		return fmt.Errorf("%s: %w", path, bare(err))
	case info.IsDir():
		return f.dir(path)
	case !info.Mode().IsRegular():
		f.passed = append(f.passed, path+": passed over: not a regular file")
	default:
		f.files = append(f.files, file{path, info, true})
	}
	return nil
}

func (f *finder) whatPassed() string {
	if len(f.passed) == 0 {
		return ""
	}
	return " (" + strings.Join(f.passed, "; ") + ")"
}

// fileID is a path's one name, whatever links lead to it.
func fileID(path string) (string, error) {
	target, err := filepath.EvalSymlinks(path)
	if err != nil { // a link of the system's own, to a pipe say, leads to no name
		target = path
	}
	absolute, err := filepath.Abs(target)
	return "file " + absolute, err
}

// missing says where a name was looked for, and what it may have meant.
func missing(entry string, err error) error {
	err = bare(err)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if strings.Contains(entry, ",") {
		return fmt.Errorf("%w; several names are a list, as [a.txt, b.txt]", err)
	}
	if absolute, e := filepath.Abs(entry); e == nil && absolute != filepath.Clean(entry) {
		return fmt.Errorf("%w (%s: names count from where the program is run)", err, absolute)
	}
	return err
}
