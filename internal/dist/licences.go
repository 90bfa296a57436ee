package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// legal matches the names of licence files.
var legal = regexp.MustCompile(`(?i)^(licen[cs]e|copying|copyright|notice|patents|unlicense)([-._].*)?$`)

// linked is a package of the program, as go list prints it.
type linked struct {
	ImportPath string
	Dir        string
	Standard   bool
	Module     *struct {
		Path, Version, Dir string
		Main               bool
	}
}

// licences are the licence files of every module in a system's program, and of Go. A module without one is an error.
func licences(s system) ([]entry, error) {
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Dir,Standard,Module", program)
	cmd.Env = settings(s)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var packages []linked
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p linked
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		packages = append(packages, p)
	}
	root, err := output("go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	return collect(packages, strings.TrimSpace(string(root)))
}

// collect finds the licence files of packages in their directories and all above, up to their modules'. Those of the
// standard library are in goroot.
func collect(packages []linked, goroot string) ([]entry, error) {
	texts := map[string][]byte{}
	dirs := map[string]string{} // of modules, by "path version"
	for _, p := range packages {
		switch {
		case p.Standard:
			if err := gather(texts, goroot, goroot, "go"); err != nil {
				return nil, err
			}
		case p.Module == nil:
			return nil, fmt.Errorf("%s: belongs to no module", p.ImportPath)
		case !p.Module.Main:
			dirs[p.Module.Path+" "+p.Module.Version] = p.Module.Path
			if err := gather(texts, p.Module.Dir, p.Dir, p.Module.Path); err != nil {
				return nil, err
			}
		}
	}
	var list []entry
	for name, text := range texts {
		list = append(list, entry{name: path.Join("licences", name), data: text})
	}
	modules := slices.Sorted(maps.Keys(dirs))
	for _, m := range modules {
		if !slices.ContainsFunc(list,
			func(e entry) bool { return strings.HasPrefix(e.name, path.Join("licences", dirs[m])+"/") }) {
			return nil, fmt.Errorf("%s: the module has no file with its licence", m)
		}
	}
	return append(list, entry{name: "licences/MODULES", data: []byte(strings.Join(modules, "\n") + "\n")}), nil
}

// gather reads the licence files in dir and the directories above it up to root.
func gather(texts map[string][]byte, root, dir, as string) error {
	for ; ; dir = filepath.Dir(dir) {
		below, err := filepath.Rel(root, dir)
		if err != nil || !filepath.IsLocal(below) {
			return fmt.Errorf("%s: not in %s", dir, root)
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			name := path.Join(as, filepath.ToSlash(below), e.Name())
			if !e.Type().IsRegular() || !legal.MatchString(e.Name()) || strings.HasSuffix(e.Name(), ".go") ||
				texts[name] != nil {
				continue
			}
			if texts[name], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
		if below == "." {
			return nil
		}
	}
}
