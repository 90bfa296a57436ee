//go:build !windows

package files

import (
	"errors"
	"io/fs"
)

// Missing reports whether an error says that there is no file of a name, or that none can have it.
func Missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
