package internal_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// unlisted are rooms that ARCHITECTURE.md names with the room that they belong to.
var unlisted = []string{
	"internal/kernels/cpu/trap/planted",
	"internal/kernels/cpu/asm",
	"internal/kernels/cpu/asm/gen",
	"internal/kernels/cpu/asm/genarm",
	"internal/task/fixture",
	"internal/task/lm",
	"internal/task/pairs",
	"internal/task/tasks",
}

// ARCHITECTURE.md lists every room, in no other order than the layering test holds.
func TestArchitectureListsTheRooms(t *testing.T) {
	var listed []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z/]+)` \\|").FindAllStringSubmatch(architecture(t), -1) {
		listed = append(listed, m[1])
	}
	at := -1
	for _, room := range listed {
		i := slices.Index(rooms, room)
		if i < at || i < 0 {
			t.Errorf("%s is listed where it does not stand", room)
		}
		at = i
	}
	for _, room := range rooms {
		if !slices.Contains(listed, room) && !slices.Contains(unlisted, room) {
			t.Errorf("%s is not listed", room)
		}
	}
}

// Files and names of the code that ARCHITECTURE.md speaks of are there.
func TestArchitectureNamesWhatIsThere(t *testing.T) {
	named := 0
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(architecture(t), -1) {
		text := m[1]
		if strings.Contains(text, "/") && !strings.ContainsAny(text, "*… ") {
			named++
			if _, err := os.Stat(filepath.Join("..", text)); err != nil {
				t.Errorf("%s: %v", text, err)
			}
			continue
		}
		pkg, name, ok := strings.Cut(text, ".")
		if !ok || !isPackage(pkg) || strings.ContainsAny(name, " *") || name == "go" || name == "json" {
			continue
		}
		named++
		for _, part := range strings.Split(name, ".") {
			if !declares(t, pkg, part) {
				t.Errorf("%s: package %s has no %s", text, pkg, part)
			}
		}
	}
	if named < 40 {
		t.Errorf("%d files and names are spoken of: this test reads less than there is", named)
	}
}

func architecture(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile("(?s)```.*?```").ReplaceAllString(string(text), "")
}

func isPackage(name string) bool {
	return slices.ContainsFunc(rooms, func(room string) bool { return filepath.Base(room) == name })
}

// declares says whether a package has a function, method, type or field of a name.
func declares(t *testing.T, pkg, name string) bool {
	t.Helper()
	word := regexp.MustCompile(`(?m)^\s*(func (\([^)]*\) )?|type |[A-Z]\w*, )*` + name + `\b`)
	for _, room := range rooms {
		if filepath.Base(room) != pkg {
			continue
		}
		files, err := filepath.Glob(filepath.Join("..", room, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if word.Match(text) {
				return true
			}
		}
	}
	return false
}
