package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestArchivesDependOnWhatIsInThemAlone(t *testing.T) {
	entries := []entry{{
		name:       "dmtrain",
		data:       []byte("program"),
		executable: true,
	}, {name: "man/man1/a.1", data: []byte("page")}}
	turned := []entry{entries[1], entries[0]}
	when := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, s := range systems {
		name, one, err := pack(s, "x", entries, when)
		if err != nil {
			t.Fatal(err)
		}
		if _, two, err := pack(s, "x", turned, when); err != nil || !bytes.Equal(one, two) {
			t.Errorf("%v: another archive of the same files in another order (%v)", s, err)
		}
		if got, want := unpack(t, name, one),
			"x/dmtrain rwxr-xr-x program; x/man/man1/a.1 rw-r--r-- page"; got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// unpack lists what is in an archive.
func unpack(t *testing.T, name string, data []byte) string {
	t.Helper()
	var list []string
	add := func(name string, mode os.FileMode, r io.Reader) {
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, name+" "+mode.String()[1:]+" "+string(text))
	}
	if strings.HasSuffix(name, ".zip") {
		z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range z.File {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			add(f.Name, f.Mode(), r)
		}
		return strings.Join(list, "; ")
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return strings.Join(list, "; ")
		}
		if err != nil {
			t.Fatal(err)
		}
		add(h.Name, h.FileInfo().Mode(), r)
	}
}

func TestEveryModuleBringsItsLicence(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"go/LICENSE", "go/src/fmt/print.go", "a/LICENCE.txt", "a/licence.go", "a/sub/NOTICE",
		"a/sub/x.go", "a/other/COPYING", "b/README"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	list := func(names ...string) (packages []linked) {
		for _, name := range names {
			p := linked{ImportPath: name, Dir: filepath.Join(dir, name), Standard: strings.HasPrefix(name, "go/")}
			module, err := json.Marshal(map[string]any{
				"Path":    strings.Split(name, "/")[0],
				"Version": "v1",
				"Dir":     filepath.Join(dir, strings.Split(name, "/")[0]),
			})
			if err == nil {
				err = json.Unmarshal(module, &p.Module)
			}
			if err != nil {
				t.Fatal(err)
			}
			packages = append(packages, p)
		}
		return packages
	}
	got, err := collect(list("go/src/fmt", "a/sub"), filepath.Join(dir, "go"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range got {
		names = append(names, e.name)
	}
	slices.Sort(names)
	if want := []string{"licences/MODULES", "licences/a/LICENCE.txt", "licences/a/sub/NOTICE",
		"licences/go/LICENSE"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
	if _, err := collect(list("a/sub", "b"), dir); err == nil ||
		err.Error() != "b v1: the module has no file with its licence" {
		t.Errorf("without a licence: %v", err)
	}
}

func TestWhatIsLinkedInHasLicences(t *testing.T) {
	t.Chdir("../..")
	for _, s := range systems {
		list, err := licences(s)
		if err != nil {
			t.Errorf("%v: %v", s, err)
		}
		for _, name := range []string{"licences/go/LICENSE", "licences/github.com/spf13/cobra/LICENSE.txt",
			"licences/golang.org/x/sys/LICENSE"} {
			if !slices.ContainsFunc(list, func(e entry) bool { return e.name == name && len(e.data) > 0 }) {
				t.Errorf("%v: no %s", s, name)
			}
		}
	}
}
