package files

import (
	"os"
	"path/filepath"
)

// Point makes a new name that stands for target, a path relative to the directory that the name is in.
func Point(name, target string) error {
	return os.WriteFile(name, []byte(filepath.ToSlash(target)+"\n"), 0o644)
}
