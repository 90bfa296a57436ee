package files

import (
	"os"
	"path/filepath"
)

// Point creates a pointer to target, a path relative to the pointer's directory.
func Point(name, target string) error {
	return os.WriteFile(name, []byte(filepath.ToSlash(target)+"\n"), 0o644)
}
