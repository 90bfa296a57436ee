package data

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// PairText is a source and its target as text.
type PairText struct{ Source, Target string }

// pairReport counts what reading found.
type pairReport struct{ empty, invalid, long int }

// readPairs reads every pair that the entries under a key, or the parallel files beside them, have.
func readPairs(key string, entries, sources, targets, fields []string, r *pairReport) (pairs []PairText, err error) {
	keep := func(source, target string) {
		if !utf8.ValidString(source) || !utf8.ValidString(target) {
			r.invalid++
			source, target = strings.ToValidUTF8(source, "\uFFFD"), strings.ToValidUTF8(target, "\uFFFD")
		}
		p := PairText{strings.TrimSpace(source), strings.TrimSpace(target)}
		if p.Source == "" || p.Target == "" {
			r.empty++
			return
		}
		pairs = append(pairs, p)
	}
	for i := range sources {
		if err := readParallel(sources[i], targets[i], keep); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry, builtinPrefix) {
			b, err := parsePairBuiltin(entry)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", key, entry, err)
			}
			b.each(keep)
			continue
		}
		if err := readTable(entry, fields, keep); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	return pairs, nil
}

// readParallel pairs up the lines of two files.
func readParallel(source, target string, keep func(a, b string)) error {
	a, err := readLines(source)
	if err != nil {
		return err
	}
	b, err := readLines(target)
	if err != nil {
		return err
	}
	if len(a) != len(b) {
		return fmt.Errorf("%s has %d lines and %s has %d: they must pair up line by line", source, len(a), target, len(b))
	}
	for i := range a {
		keep(a[i], b[i])
	}
	return nil
}

func readLines(path string) (lines []string, err error) {
	err = eachLine(path, func(_ int, line []byte) error {
		lines = append(lines, string(line))
		return nil
	})
	return lines, err
}

// eachLine reads lines of any length, numbered from 1.
func eachLine(path string, each func(n int, line []byte) error) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, bare(err))
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<16)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		end := errors.Is(err, io.EOF)
		if err != nil && !end {
			return fmt.Errorf("%s: %w", path, bare(err))
		}
		if end && len(line) == 0 {
			return nil
		}
		if err := each(n, bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))); err != nil {
			return fmt.Errorf("%s:%d: %w", path, n, err)
		}
		if end {
			return nil
		}
	}
}

// readTable reads JSONL with named fields, or else tab-separated values, source first. A line of white space is passed on as an
// empty pair.
func readTable(path string, fields []string, keep func(a, b string)) error {
	isJSON := filepath.Ext(path) == ".jsonl" || filepath.Ext(path) == ".json"
	return eachLine(path, func(_ int, line []byte) error {
		if len(bytes.TrimSpace(line)) == 0 {
			keep("", "")
			return nil
		}
		if isJSON {
			return readObject(line, fields, keep)
		}
		source, target, ok := strings.Cut(string(line), "\t")
		if !ok {
			return errors.New("has no tab between source and target")
		}
		target, _, _ = strings.Cut(target, "\t") // further columns are somebody else's
		keep(source, target)
		return nil
	})
}

func readObject(line []byte, fields []string, keep func(a, b string)) error {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(line, &object); err != nil {
		return err
	}
	var text [2]string
	for i, name := range fields {
		raw, ok := object[name]
		if !ok {
			return fmt.Errorf("has no field %q (data.pairs.fields)", name)
		}
		if err := json.Unmarshal(raw, &text[i]); err != nil {
			return fmt.Errorf("field %q is not text", name)
		}
	}
	keep(text[0], text[1])
	return nil
}
