// Command dist writes the archives of a release: for each system the program, its manual, completions, configurations,
// and the licences of all linked modules.
//
//	go run ./internal/dist [-out build/dist]
//
// The same source and version of Go give the same bytes on every machine.
package main

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"dmtrain/internal/files"
)

// system is what a program is built for.
type system struct{ os, arch string }

func (s system) String() string { return s.os + "-" + s.arch }

var systems = []system{
	{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"},
	{"windows", "arm64"},
}

func main() {
	out := flag.String("out", filepath.Join("build", "dist"),
		"write the archives to this `directory`, in place of what is there")
	flag.Parse()
	if err := release(*out); err != nil {
		fmt.Fprintf(os.Stderr, "dist: %v\n", err)
		os.Exit(1)
	}
}

// release writes all archives and SHA256SUMS into a new directory.
func release(out string) (err error) {
	work, err := os.MkdirTemp("", "dist-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, files.RemoveAll(work)) }()
	same, id, err := common(work)
	if err != nil {
		return err
	}
	if err := errors.Join(files.RemoveAll(out), os.MkdirAll(out, 0o755)); err != nil {
		return err
	}
	var sums strings.Builder
	for _, s := range systems {
		own, err := specific(s, work)
		if err != nil {
			return fmt.Errorf("%v: %w", s, err)
		}
		name := fmt.Sprintf("dmtrain-%s-%v", id.version, s)
		archive, data, err := pack(s, name, append(own, same...), id.time)
		if err != nil {
			return fmt.Errorf("%v: %w", s, err)
		}
		if err := files.Write(filepath.Join(out, archive), data); err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(data), archive)
		fmt.Printf("%8.1f MiB  %s\n", float64(len(data))/(1<<20), filepath.Join(out, archive))
	}
	return files.Write(filepath.Join(out, "SHA256SUMS"), []byte(sums.String()))
}

// entry is a file of an archive.
type entry struct {
	name       string // with slashes
	data       []byte
	executable bool
}

// identity is the commit of a release.
type identity struct {
	version string
	time    time.Time // of the commit, and of every file
}

// common are the files of all systems.
func common(work string) ([]entry, identity, error) {
	host := filepath.Join(work, "host.exe")
	if err := build(system{}, host); err != nil {
		return nil, identity{}, err
	}
	id, err := identify(host)
	if err != nil {
		return nil, id, err
	}
	var list []entry
	for _, name := range []string{"README.md", "CHANGELOG.md", "LICENSE"} {
		if list, err = add(list, ".", name); err != nil {
			return nil, id, err
		}
	}
	if list, err = addTree(list, "configs", "configs"); err != nil {
		return nil, id, err
	}
	manual := filepath.Join(work, "man")
	if err := os.Setenv("SOURCE_DATE_EPOCH", fmt.Sprint(id.time.Unix())); err != nil {
		return nil, id, err
	}
	if _, err := output(host, "man", manual); err != nil {
		return nil, id, err
	}
	if list, err = addTree(list, manual, "man/man1"); err != nil {
		return nil, id, err
	}
	for shell, name := range map[string]string{
		"bash":       "dmtrain.bash",
		"zsh":        "_dmtrain",
		"fish":       "dmtrain.fish",
		"powershell": "dmtrain.ps1",
	} {
		text, err := output(host, "completion", shell)
		if err != nil {
			return nil, id, err
		}
		list = append(list, entry{name: path.Join("completions", name), data: text})
	}
	return list, id, nil
}

// specific are the files of one system.
func specific(s system, work string) ([]entry, error) {
	name := "dmtrain"
	if s.os == "windows" {
		name += ".exe"
	}
	program := filepath.Join(work, s.String())
	if err := build(s, program); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	linked, err := licences(s)
	if err != nil {
		return nil, err
	}
	return append([]entry{{name: name, data: data, executable: true}}, linked...), nil
}
