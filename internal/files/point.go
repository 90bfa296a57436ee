package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A name that stands for a directory is a symbolic link where anyone may make one. On Windows that takes a
// privilege, so there it is a file of one line with the directory's path, slashes between its parts. Every system
// reads both.

// pointerBytes is the most that such a file may have.
const pointerBytes = 4096

// Pointed is what the name stands for: a path relative to the directory that the name is in. ErrNotExist: there is
// no such name.
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

// Directory is the directory that a path leads to: itself, or the one that it stands for.
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
