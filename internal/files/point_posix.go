//go:build !windows

package files

import "os"

// Point creates a pointer to target, a path relative to the pointer's directory.
func Point(name, target string) error { return os.Symlink(target, name) }
