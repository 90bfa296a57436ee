//go:build !windows

package main

import (
	"errors"
	"syscall"
)

// readerGone reports whether writing failed because the reader of the output closed it.
func readerGone(err error) bool { return errors.Is(err, syscall.EPIPE) }
