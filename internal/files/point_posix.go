//go:build !windows

package files

import "os"

// Point makes a new name that stands for target, a path relative to the directory that the name is in.
func Point(name, target string) error { return os.Symlink(target, name) }
