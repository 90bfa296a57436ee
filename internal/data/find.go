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
	path  string
	info  fs.FileInfo // of what links lead to
	found bool        // in a directory or by a glob
}

// finder finds files. It follows links and reads each directory once, so that loops end.
type finder struct {
	files   []file
	skipped []string        // paths, and why they were skipped
	read    map[string]bool // directories by fileID
}

// findFiles finds the files that an entry names, sorted: a file, those in and below a directory, or those that match a
// pattern. Hidden files are left out unless named.
func findFiles(entry string) ([]file, []string, error) {
	f := &finder{read: map[string]bool{}}
	info, err := os.Stat(entry)
	switch {
	case err == nil && info.IsDir():
		if err := f.dir(entry); err != nil {
			return nil, nil, err
		}
		if len(f.files) == 0 {
			return nil, nil, errors.New("a directory without files" + f.skippedList())
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
	return f.files, f.skipped, nil
}

// glob finds the files that match a pattern, and those in matching directories.
func (f *finder) glob(pattern string) error {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return errors.New("not a pattern (a [ that isn't closed?)")
	}
	for _, path := range paths {
		if hidden(path) && !hidden(pattern) {
			continue
		}
		if err := f.add(path); err != nil {
			return err
		}
	}
	if len(f.files) == 0 {
		return errors.New("matches no file" + f.skippedList())
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
		if err := f.add(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// hidden says whether a name begins with a dot.
func hidden(path string) bool { return strings.HasPrefix(filepath.Base(path), ".") }

// add adds the file or directory at a path.
func (f *finder) add(path string) error {
	info, err := os.Stat(path)
	switch link, lerr := os.Lstat(path); {
	case err != nil && lerr == nil && link.Mode()&fs.ModeSymlink != 0:
		f.skipped = append(f.skipped, fmt.Sprintf("%s: passed over: a link that leads nowhere (%v)", path, bare(err)))
	case err != nil:
		return fmt.Errorf("%s: %w", path, bare(err))
	case info.IsDir():
		return f.dir(path)
	case !info.Mode().IsRegular():
		f.skipped = append(f.skipped, path+": passed over: not a regular file")
	default:
		f.files = append(f.files, file{path, info, true})
	}
	return nil
}

func (f *finder) skippedList() string {
	if len(f.skipped) == 0 {
		return ""
	}
	return " (" + strings.Join(f.skipped, "; ") + ")"
}

// fileID identifies a file, whatever links lead to it.
func fileID(path string) (string, error) {
	target, err := filepath.EvalSymlinks(path)
	if err != nil { // the system's own links, such as those to pipes, lead to no name
		target = path
	}
	absolute, err := filepath.Abs(target)
	return "file " + absolute, err
}

// missing adds to the error of a missing file where it was searched for and what may have been meant.
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
