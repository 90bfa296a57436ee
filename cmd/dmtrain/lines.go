package main

import (
	"context"
	"io"
	"time"

	"dmtrain/internal/textio"
)

// linger is how long to wait for further lines, to process them together.
const linger = 20 * time.Millisecond

// lineReader reads lines in advance.
type lineReader struct {
	lines chan string

	// set before lines is closed
	err     error
	remarks []string
}

// readLines reads up to ahead lines in advance, until the end of r or of the program.
func readLines(r io.Reader, ahead int) *lineReader {
	l := &lineReader{lines: make(chan string, ahead)}
	go func() {
		defer close(l.lines)
		remarks, err := textio.Lines(r, func(_ int, line []byte) error {
			l.lines <- string(line)
			return nil
		})
		l.remarks, l.err = remarks, ofInput(err)
	}()
	return l
}

// warn prints warnings about the input, if all of it was read.
func (l *lineReader) warn(stderr io.Writer) {
	select {
	case _, more := <-l.lines:
		if !more {
			warnOf(stderr, standardInput, l.remarks)
		}
	default:
	}
}

// next waits for a line, and returns it with those that follow soon, at most as many as are read in advance; none at
// the end.
func (l *lineReader) next(ctx context.Context) ([]string, error) {
	var some []string
	var late <-chan time.Time
	for len(some) < cap(l.lines) {
		select {
		case line, more := <-l.lines:
			if !more {
				if len(some) > 0 {
					return some, nil
				}
				return nil, l.err
			}
			if some = append(some, line); late == nil {
				late = time.After(linger)
			}
		case <-late:
			return some, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return some, nil
}
