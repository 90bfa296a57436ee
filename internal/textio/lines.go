package textio

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
)

// Lines calls each with every line of in, of any length, numbered from 1, and returns the reader's remarks. Lines
// end with LF or CRLF; the last one may lack it.
func Lines(in io.Reader, each func(n int, line []byte) error) (remarks []string, err error) {
	text := NewReader(in)
	lines := bufio.NewReaderSize(text, bufferSize)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		end := errors.Is(err, io.EOF)
		if err != nil && !end || end && len(line) == 0 {
			return text.Remarks(), ignoreEOF(err)
		}
		if err := each(n, bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))); err != nil || end {
			return text.Remarks(), err
		}
	}
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// AllLines are the lines of in.
func AllLines(in io.Reader) (lines, remarks []string, err error) {
	remarks, err = Lines(in, func(_ int, line []byte) error {
		lines = append(lines, string(line))
		return nil
	})
	return lines, remarks, err
}

// ReadFile reads a whole file.
func ReadFile(path string) (all string, remarks []string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	return ReadAll(f)
}

// ReadAll reads all of in.
func ReadAll(in io.Reader) (all string, remarks []string, err error) {
	r := NewReader(in)
	b, err := io.ReadAll(r)
	return string(b), r.Remarks(), err
}
