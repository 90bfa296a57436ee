package main

import (
	"errors"

	"golang.org/x/sys/windows"
)

// readerGone reports whether writing failed because the reader of the output closed it.
func readerGone(err error) bool {
	return errors.Is(err, windows.ERROR_BROKEN_PIPE) || errors.Is(err, windows.ERROR_NO_DATA)
}
