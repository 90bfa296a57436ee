package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"dmtrain/internal/config"
)

// misplaced reports relative file names that exist beside or above the configuration, but not in the working directory,
// which they are relative to.
func (l *layers) misplaced(file *config.File, c config.Config) error {
	var problems []config.Problem
	settings := c.Settings()
	for _, key := range config.Keys() {
		for _, name := range fileNames(key, settings[key]) {
			if at, ok := l.foundElsewhere(name); ok {
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

// fileNames are the file names in a setting.
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

// foundElsewhere finds a relative name that is not in the working directory, in the configuration's directory or above.
func (l *layers) foundElsewhere(name string) (dir string, ok bool) {
	if name == "" || filepath.IsAbs(name) || strings.HasPrefix(name, "builtin:") || isThere(name) {
		return "", false
	}
	dir, err := filepath.Abs(filepath.Dir(l.file))
	for err == nil && !isThere(filepath.Join(dir, name)) {
		above := filepath.Dir(dir)
		if above == dir {
			return "", false
		}
		dir = above
	}
	return dir, err == nil
}

// isThere says whether a name or pattern matches a file.
func isThere(name string) bool {
	if _, err := os.Lstat(name); err == nil {
		return true
	}
	matches, err := filepath.Glob(name)
	return err == nil && len(matches) > 0
}
