package data

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"dmtrain/internal/textio"
)

// PairText is a source and its target as text.
type PairText struct{ Source, Target string }

// pairReport counts pairs read, and pairs dropped by reading or encoding.
type pairReport struct {
	read        int // pairs with text on both sides
	empty, long int
	unknown     int      // characters that the vocabulary lacks
	lost        int      // pairs with a side of unknown characters alone
	remarks     []string // of files
}

// pairReader reads pairs from the files that a configuration names.
type pairReader struct {
	fields []string
	report *pairReport
	seen   map[string]bool // ids of tables read so far
	pairs  []PairText
}

// readPairs reads every pair that the entries under a key, or the parallel files beside them, have.
func readPairs(key string, entries, sources, targets, fields []string, r *pairReport) ([]PairText, error) {
	p := &pairReader{fields: fields, report: r, seen: map[string]bool{}}
	for i := range sources {
		if err := p.parallel(sources[i], targets[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	for _, entry := range entries {
		if err := p.entry(entry); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	return p.pairs, nil
}

// keep adds a pair, or counts it as empty.
func (p *pairReader) keep(source, target string) {
	pair := PairText{strings.TrimSpace(source), strings.TrimSpace(target)}
	if pair.Source == "" || pair.Target == "" {
		p.report.empty++
		return
	}
	p.report.read++
	p.pairs = append(p.pairs, pair)
}

func (p *pairReader) remark(format string, args ...any) {
	p.report.remarks = append(p.report.remarks, fmt.Sprintf(format, args...))
}

// entry reads the tables that an entry names, or a generated text.
func (p *pairReader) entry(entry string) error {
	if isBuiltin(entry) {
		b, err := parsePairBuiltin(entry)
		if err != nil {
			return fmt.Errorf("%s: %w", entry, err)
		}
		b.each(p.keep)
		return nil
	}
	files, err := p.files(entry)
	if err != nil {
		return err
	}
	for _, f := range files {
		id, err := fileID(f.path)
		if err != nil {
			return fmt.Errorf("%s: %w", f.path, err)
		}
		switch {
		case !p.seen[id]:
			p.seen[id] = true
			if err := p.table(f.path); err != nil {
				return err
			}
		case !f.found:
			p.remark("%s: named twice, read once", f.path)
		}
	}
	return nil
}

// files finds the files that an entry names, and remarks on skipped ones.
func (p *pairReader) files(entry string) ([]file, error) {
	files, skipped, err := findFiles(entry)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", entry, err)
	}
	p.report.remarks = append(p.report.remarks, skipped...)
	return files, nil
}

// parallel pairs the lines of two files, or of the files that two directories or patterns name.
func (p *pairReader) parallel(source, target string) error {
	a, err := p.files(source)
	if err != nil {
		return err
	}
	b, err := p.files(target)
	if err != nil {
		return err
	}
	if len(a) != len(b) {
		return fmt.Errorf("%s names %d files and %s names %d: they must pair up", source, len(a), target, len(b))
	}
	for i := range a {
		if a[i].found && stem(a[i].path) != stem(b[i].path) {
			return fmt.Errorf("%s and %s: %s and %s don't pair up by name (as news.en and news.de, or en/news and "+
				"de/news); name them one by one",
				source, target, a[i].path, b[i].path)
		}
		if err := p.twoFiles(a[i].path, b[i].path); err != nil {
			return err
		}
	}
	return nil
}

// stem is a file's name without its last extension.
func stem(path string) string {
	name := filepath.Base(path)
	return strings.TrimSuffix(name, filepath.Ext(name))
}

func (p *pairReader) twoFiles(source, target string) error {
	a, err := p.lines(source)
	if err != nil {
		return err
	}
	b, err := p.lines(target)
	if err != nil {
		return err
	}
	if len(a) != len(b) {
		return fmt.Errorf("%s has %d lines and %s has %d: they must pair up line by line", source, len(a), target,
			len(b))
	}
	for i := range a {
		p.keep(a[i], b[i])
	}
	return nil
}

func (p *pairReader) lines(path string) (lines []string, err error) {
	err = p.eachLine(path, func(_ int, line []byte) error {
		lines = append(lines, string(line))
		return nil
	})
	return lines, err
}

// eachLine reads a file's lines.
func (p *pairReader) eachLine(path string, each func(n int, line []byte) error) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, bare(err))
	}
	defer f.Close()
	remarks, err := textio.Lines(f, func(n int, line []byte) error {
		if err := each(n, line); err != nil {
			return &lineError{n, err}
		}
		return nil
	})
	for _, r := range remarks {
		p.remark("%s: %s", path, r)
	}
	if e, ok := errors.AsType[*lineError](err); ok {
		return fmt.Errorf("%s:%d: %w", path, e.line, e.err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, bare(err))
	}
	return nil
}

// lineError is an error in a line, not in reading it.
type lineError struct {
	line int
	err  error
}

func (e *lineError) Error() string { return e.err.Error() }

// table reads JSONL with named fields, or else tab-separated values. A blank line is an empty pair.
func (p *pairReader) table(path string) error {
	if ext := strings.ToLower(filepath.Ext(path)); ext == ".jsonl" || ext == ".json" {
		return p.eachLine(path, func(_ int, line []byte) error {
			if len(bytes.TrimSpace(line)) == 0 {
				p.keep("", "")
				return nil
			}
			return p.object(line)
		})
	}
	t := columns{pairReader: p, source: 0, target: 1}
	err := p.eachLine(path, t.row)
	if t.further > 0 {
		p.remark("%s:%d: has more than two columns; the first two are read, in %d lines (a first line with the "+
			"names in data.pairs.fields, %s, chooses others)",
			path, t.firstFurther, t.further, strings.Join(p.fields, " and "))
	}
	if t.likeHeader != "" {
		p.remark("%s:1: %s looks like a header but is read as a pair: leave it out, or name its columns in "+
			"data.pairs.fields", path, t.likeHeader)
	}
	return err
}

// columns reads tab-separated values, source first. A first line that names both fields chooses the columns, and is no
// pair.
type columns struct {
	*pairReader
	source, target int
	named          bool
	further        int // lines with unused columns
	firstFurther   int
	likeHeader     string
}

func (t *columns) row(n int, line []byte) error {
	if len(bytes.TrimSpace(line)) == 0 {
		t.keep("", "")
		return nil
	}
	cells := strings.Split(string(line), "\t")
	if n == 1 && t.header(cells) {
		return nil
	}
	if len(cells) < 2 {
		return errors.New("has no tab between source and target")
	}
	if most := max(t.source, t.target); len(cells) <= most {
		return fmt.Errorf("has %d columns where the first line's names need %d", len(cells), most+1)
	}
	if !t.named && len(cells) > 2 {
		if t.further++; t.further == 1 {
			t.firstFurther = n
		}
	}
	t.keep(cells[t.source], cells[t.target])
	return nil
}

// header reports whether the first line names the columns.
func (t *columns) header(cells []string) bool {
	names := make([]string, len(cells))
	for i, c := range cells {
		names[i] = strings.ToLower(strings.TrimSpace(c))
	}
	a, b := slices.Index(names, strings.ToLower(t.fields[0])), slices.Index(names, strings.ToLower(t.fields[1]))
	if a >= 0 && b >= 0 && a != b {
		t.source, t.target, t.named = a, b, true
		return true
	}
	if len(names) > 1 && slices.Contains(headerNames, names[0]) && slices.Contains(headerNames, names[1]) {
		t.likeHeader = fmt.Sprintf("%q", strings.Join(cells, "\t"))
	}
	return false
}

// headerNames are common names of columns.
var headerNames = []string{"source", "target", "src", "tgt", "trg", "input", "output", "text", "summary", "title",
	"article", "headline", "document", "question", "answer",
	"sentence", "translation", "prompt", "completion", "en", "de", "fr", "es", "it", "pt", "nl", "ru", "zh", "ja",
	"english", "german", "french", "spanish", "id"}

func (p *pairReader) object(line []byte) error {
	var object map[string]any
	if err := textio.UnmarshalJSON(line, &object); err != nil {
		return fmt.Errorf("%w (each line must be one JSON object)", err)
	}
	var text [2]string
	for i, name := range p.fields {
		value, ok := object[name]
		if !ok {
			return fmt.Errorf("has no field %q (data.pairs.fields)", name)
		}
		if text[i], ok = value.(string); !ok {
			return fmt.Errorf("field %q is not text", name)
		}
		if strings.ContainsRune(text[i], 0) {
			return fmt.Errorf("field %q has a NUL character", name)
		}
	}
	p.keep(text[0], text[1])
	return nil
}
