package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"dmtrain/internal/config"
)

// misplaced are problems with relative names of files that are not where the program is run, but beside the
// configuration or above it: names count from where the program is run.
func (s *sources) misplaced(file *config.File, c config.Config) error {
	var problems []config.Problem
	settings := c.Settings()
	for _, key := range config.Keys() {
		for _, name := range fileNames(key, settings[key]) {
			if at, ok := s.foundElsewhere(name); ok {
				problems = append(problems, config.Problem{Origin: file.Origin(key), Key: key, Text: fmt.Sprintf(
					"%s is not here but in %s: names count from where the program is run, not from the "+
						"configuration; run it there, or name %s", name, at, filepath.Join(at, name))})
			}
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return &config.Invalid{Problems: problems}
}

// fileNames are the names of files in a setting.
func fileNames(key string, value any) []string {
	switch v := value.(type) {
	case []string:
		if strings.HasPrefix(key, "data.") && key != "data.pairs.fields" {
			return v
		}
	case string:
		if slices.Contains([]string{"data.tokenizer.file", "mask.yoked_to"}, key) {
			return []string{v}
		}
	}
	return nil
}

// foundElsewhere finds a relative name that names nothing here in the configuration's directory or one around it.
func (s *sources) foundElsewhere(name string) (dir string, ok bool) {
	if name == "" || filepath.IsAbs(name) || strings.HasPrefix(name, "builtin:") || isThere(name) {
		return "", false
	}
	dir, err := filepath.Abs(filepath.Dir(s.file))
	for err == nil && !isThere(filepath.Join(dir, name)) {
		above := filepath.Dir(dir)
		if above == dir {
			return "", false
		}
		dir = above
	}
	return dir, err == nil
}

// isThere says whether a name, which may be a pattern, names something.
func isThere(name string) bool {
	if _, err := os.Lstat(name); err == nil {
		return true
	}
	matches, err := filepath.Glob(name)
	return err == nil && len(matches) > 0
}
