package files

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/windows"
)

// Missing reports whether an error says that a file does not exist, or that its name is invalid, as one with * or ?.
func Missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, windows.ERROR_INVALID_NAME)
}
