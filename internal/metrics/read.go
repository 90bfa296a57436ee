package metrics

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
)

// maxLine is the length of the longest readable line: a thousand times that of a record.
const maxLine = 1 << 20

// Record is a Step, an Eval, a Test or a Data; the others are nil.
type Record struct {
	Step *Step
	Eval *Eval
	Test *Test
	Data *Data
}

// ReadFile yields the records of a log, also while it is being written. An error names file and line, and ends the
// sequence.
func ReadFile(path string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		f, err := os.Open(path)
		if err != nil {
			yield(Record{}, err)
			return
		}
		defer f.Close()
		for r, err := range Read(f) {
			if err != nil {
				err = fmt.Errorf("%s:%w", path, err)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// Read yields the records of a log. It skips a last line without a line end, which is incomplete, and records of
// unknown kinds.
func Read(from io.Reader) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		lines := bufio.NewScanner(from)
		lines.Buffer(nil, maxLine)
		lines.Split(wholeLines)
		n := 0
		for lines.Scan() {
			n++
			r, err := decode(lines.Bytes())
			if err != nil {
				yield(Record{}, fmt.Errorf("%d: %w", n, err))
				return
			}
			if r != (Record{}) && !yield(r, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(Record{}, fmt.Errorf("%d: %w", n+1, err))
		}
	}
}

// wholeLines is a bufio.SplitFunc for lines with a line end.
func wholeLines(data []byte, atEOF bool) (int, []byte, error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF {
		return len(data), nil, nil
	}
	return 0, nil, nil
}

func decode(line []byte) (Record, error) {
	var kind struct {
		Kind string `json:"kind"`
	}
	if err := json.Unmarshal(line, &kind); err != nil {
		return Record{}, fmt.Errorf("not a record: %w", err)
	}
	var r Record
	var into any
	switch kind.Kind {
	case KindStep:
		r.Step = new(Step)
		into = r.Step
	case KindEval:
		r.Eval = new(Eval)
		into = r.Eval
	case KindData:
		r.Data = new(Data)
		into = r.Data
	case KindTest:
		r.Test = new(Test)
		into = r.Test
	default:
		return Record{}, nil
	}
	if err := json.Unmarshal(line, into); err != nil {
		return Record{}, fmt.Errorf("not a record: %w", err)
	}
	return r, nil
}

// EvalsIn counts the evaluations of trained models up to a step in a log, which may not exist.
func EvalsIn(path string, step int) (n int, err error) {
	for r, err := range ReadFile(path) {
		if errors.Is(err, fs.ErrNotExist) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		if r.Eval != nil && r.Eval.Step > 0 && r.Eval.Step <= step {
			n++
		}
	}
	return n, nil
}
