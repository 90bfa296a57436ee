package main

import (
	"errors"

	"golang.org/x/sys/windows"
)

// readerGone reports whether writing failed since whoever read the output has seen enough.
func readerGone(err error) bool {
	return errors.Is(err, windows.ERROR_BROKEN_PIPE) || errors.Is(err, windows.ERROR_NO_DATA)
}
