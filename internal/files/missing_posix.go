//go:build !windows

package files

import (
	"errors"
	"io/fs"
)

// Missing reports whether an error says that a file does not exist, or that its name is invalid.
func Missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
