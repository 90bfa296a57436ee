package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A pointer to a directory is a symbolic link. On Windows, where links require a privilege, it is a file of one
// line: the directory's path with slashes. Every system reads both.

// pointerBytes is the largest size of such a file.
const pointerBytes = 4096

// Pointed is the target of a pointer: a path relative to the pointer's directory. It fails with ErrNotExist if there is
// none.
func Pointed(name string) (string, error) {
	if target, err := os.Readlink(name); err == nil {
		return target, nil
	}
	info, err := os.Lstat(name)
	if err != nil {
		return "", err
	}
	notOne := &fs.PathError{
		Op:   "follow",
		Path: name,
		Err:  errors.New("neither a link nor a file that names a directory"),
	}
	if !info.Mode().IsRegular() || info.Size() > pointerBytes {
		return "", notOne
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	line, ended := strings.CutSuffix(string(text), "\n")
	target := filepath.FromSlash(line)
	if !ended || strings.ContainsAny(line, "\r\n\x00") || !filepath.IsLocal(target) {
		return "", notOne
	}
	return target, nil
}

// Directory is path itself, or the directory that it points to.
func Directory(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return path, err
	}
	target, err := Pointed(path)
	if err != nil {
		return path, fmt.Errorf("%s: not a directory", path)
	}
	to := filepath.Join(filepath.Dir(path), target)
	if info, err := os.Stat(to); err != nil || info.IsDir() {
		return to, err
	}
	return path, fmt.Errorf("%s: stands for %s, which is not a directory", path, to)
}
