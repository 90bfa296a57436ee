package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// add appends a file of a directory.
func add(list []entry, dir, name string) ([]entry, error) {
	data, err := os.ReadFile(filepath.Join(dir, name))
	return append(list, entry{name: name, data: data}), err
}

// addTree appends all files in and below a directory, under another name.
func addTree(list []entry, dir, as string) ([]entry, error) {
	tree := os.DirFS(dir)
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(tree, name)
		list = append(list, entry{name: path.Join(as, name), data: data})
		return err
	})
	return list, err
}

// pack makes one archive with a directory called name, in the usual format of the system. It depends on its arguments
// alone, not on the order of the entries.
func pack(s system, name string, entries []entry, when time.Time) (archive string, data []byte, err error) {
	entries = slices.Clone(entries)
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	if s.os == "windows" {
		data, err = zipped(name, entries, when)
		return name + ".zip", data, err
	}
	data, err = tarred(name, entries, when)
	return name + ".tar.gz", data, err
}

func mode(e entry) int64 {
	if e.executable {
		return 0o755
	}
	return 0o644
}

func tarred(name string, entries []entry, when time.Time) ([]byte, error) {
	var b bytes.Buffer
	packed, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	w := tar.NewWriter(packed)
	for _, e := range entries {
		h := &tar.Header{
			Typeflag: tar.TypeReg,
			Name:     path.Join(name, e.name),
			Mode:     mode(e),
			Size:     int64(len(e.data)),
			ModTime:  when,
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(e.data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	err = packed.Close()
	return b.Bytes(), err
}

func zipped(name string, entries []entry, when time.Time) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	w.RegisterCompressor(zip.Deflate,
		func(to io.Writer) (io.WriteCloser, error) { return flate.NewWriter(to, flate.BestCompression) })
	for _, e := range entries {
		h := &zip.FileHeader{Name: path.Join(name, e.name), Method: zip.Deflate, Modified: when}
		h.SetMode(fs.FileMode(mode(e)))
		f, err := w.CreateHeader(h)
		if err != nil {
			return nil, err
		}
		if _, err := f.Write(e.data); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}
