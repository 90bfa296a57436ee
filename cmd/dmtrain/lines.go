package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"time"
)

// readAllLines reads lines of any length; the last one need not end.
func readAllLines(r io.Reader) ([]string, error) {
	text, err := io.ReadAll(r)
	if err != nil || len(text) == 0 {
		return nil, err
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], "\r")
	}
	return lines, nil
}

// linger is how long lines that come one after the other are waited for, to be worked on together.
const linger = 20 * time.Millisecond

// lineReader reads lines ahead of those who work on them.
type lineReader struct {
	lines chan string
	err   error // once lines is closed
}

// readLines reads up to so many lines ahead. It goes on reading until the end of r, or of the program.
func readLines(r io.Reader, ahead int) *lineReader {
	l := &lineReader{lines: make(chan string, ahead)}
	go func() {
		defer close(l.lines)
		in := bufio.NewReader(r)
		for {
			line, err := in.ReadString('\n')
			if err == nil || line != "" {
				l.lines <- strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
			}
			if err != nil {
				if !errors.Is(err, io.EOF) {
					l.err = err
				}
				return
			}
		}
	}()
	return l
}

// next waits for a line and returns it with those that are there soon after, as many as may be read ahead; none at the end.
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
