//go:build !windows

package main

import (
	"errors"
	"syscall"
)

// readerGone reports whether writing failed since whoever read the output has seen enough.
func readerGone(err error) bool { return errors.Is(err, syscall.EPIPE) }
