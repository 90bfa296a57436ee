package main

import (
	"context"
	"io"
	"time"

	"dmtrain/internal/textio"
)

// linger is how long lines that come one after the other are waited for, to be worked on together.
const linger = 20 * time.Millisecond

// lineReader reads lines ahead of those who work on them.
type lineReader struct {
	lines chan string

	// Once lines is closed:
	err     error
	remarks []string
}

// readLines reads up to so many lines ahead. It goes on reading until the end of r, or of the program.
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

// tell warns of what was noticed, if all has been read.
func (l *lineReader) tell(stderr io.Writer) {
	select {
	case _, more := <-l.lines:
		if !more {
			remark(stderr, standardInput, l.remarks)
		}
	default:
	}
}

// next waits for a line and returns it with those that are there soon after, as many as may be read ahead; none at
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
