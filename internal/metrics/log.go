package metrics

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Log appends records to metrics.jsonl. Each is one write call, so that a killed process loses none. Sync makes them
// survive a loss of power.
type Log struct {
	path string
	f    *os.File
	size int64
	line bytes.Buffer
	enc  *json.Encoder
}

// OpenLog opens or creates a log and truncates it to size bytes, its length at the last checkpoint. A shorter log is an
// error; a missing one is created.
func OpenLog(path string, size int64) (*Log, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0o644)
	if errors.Is(err, fs.ErrNotExist) {
		size = 0
		f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	}
	if err != nil {
		return nil, err
	}
	if err := rewind(f, size); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	l := &Log{path: path, f: f, size: size}
	l.enc = json.NewEncoder(&l.line)
	return l, nil
}

// rewind truncates f to size bytes, which must end a line, and seeks there.
func rewind(f *os.File, size int64) error {
	st, err := f.Stat()
	if err != nil {
		return err
	}
	const advice = "; restore the file, or move it away to begin a new one"
	if st.Size() < size {
		return fmt.Errorf("%d bytes long, but had %d when the checkpoint was saved%s", st.Size(), size, advice)
	}
	if size > 0 {
		var end [1]byte
		if _, err := f.ReadAt(end[:], size-1); err != nil {
			return err
		}
		if end[0] != '\n' {
			return fmt.Errorf("no line ends at byte %d, where one did when the checkpoint was saved%s", size, advice)
		}
	}
	if err := f.Truncate(size); err != nil {
		return err
	}
	_, err = f.Seek(size, io.SeekStart)
	return err
}

// Write appends a record, a *Step, an *Eval, a *Test or a *Data, and sets its Kind.
func (l *Log) Write(record any) error {
	switch r := record.(type) {
	case *Step:
		r.Kind = KindStep
	case *Eval:
		r.Kind = KindEval
	case *Data:
		r.Kind = KindData
	case *Test:
		r.Kind = KindTest
	default:
		panic("metrics: not a record")
	}
	l.line.Reset()
	if err := l.enc.Encode(record); err != nil {
		return fmt.Errorf("%s: %w", l.path, err)
	}
	n, err := l.f.Write(l.line.Bytes())
	if err != nil {
		if n > 0 { // part of a line was written: the next must not continue it
			err = errors.Join(err, rewind(l.f, l.size))
		}
		return err
	}
	l.size += int64(n)
	return nil
}

// Sync syncs the log and returns its size in bytes, for the checkpoint.
func (l *Log) Sync() (int64, error) {
	if err := l.f.Sync(); err != nil {
		return 0, err
	}
	return l.size, nil
}

// Close closes the file.
func (l *Log) Close() error { return l.f.Close() }
