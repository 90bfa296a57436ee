package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"dmtrain/internal/data"
	"dmtrain/internal/generate"
	"dmtrain/internal/metrics"
	"dmtrain/internal/saved"
)

// readAheadBatches are read at once, so that sources of similar length can be decoded together.
const readAheadBatches = 8

// readAhead is the largest number of lines to read before the first is written.
func (o *translateOptions) readAhead() int { return min(o.Batch, 1<<20) * readAheadBatches }

// targetWriter translates lines and writes each as soon as all before it are written.
type targetWriter struct {
	*translateOptions
	loaded  *saved.Model
	decoder *generate.Translator
	out     *bufio.Writer
	stderr  io.Writer

	done    int // sources
	read    int // lines
	cut     int // sources
	unknown unknownCharacters
}

// translated is a line of output with --json.
type translated struct {
	Source  string   `json:"source"`
	Targets []scored `json:"targets"`
}

type scored struct {
	Text  string         `json:"text"`
	Score metrics.Number `json:"score"` // log-probability after the length penalty
}

// all translates lines until there are none.
func (w *targetWriter) all(ctx context.Context, in *lineReader) error {
	for {
		lines, err := in.next(ctx)
		if err != nil || len(lines) == 0 {
			return err
		}
		if err := w.translate(ctx, lines); err != nil {
			return err
		}
	}
}

// translate translates lines that arrived together.
func (w *targetWriter) translate(ctx context.Context, lines []string) error {
	var sources [][]int32
	rows := make([]int, len(lines)) // index in sources; −1 for an empty line
	for i, line := range lines {
		rows[i] = -1
		if ids := w.encode(line); len(ids) > 0 {
			rows[i] = len(sources)
			sources = append(sources, ids)
		}
	}
	written, decoded, ready := 0, 0, make([]bool, len(sources))
	write := func(found [][]generate.Hypothesis) error {
		for ; written < len(lines); written++ {
			var targets []generate.Hypothesis
			if row := rows[written]; row >= 0 {
				if !ready[row] {
					break
				}
				targets = found[row]
			}
			if err := w.write(lines[written], targets); err != nil {
				return err
			}
		}
		return w.out.Flush()
	}
	_, err := w.decoder.Translate(ctx, sources, func(batch []int, found [][]generate.Hypothesis) error {
		decoded += len(batch)
		for _, row := range batch {
			ready[row] = true
		}
		fmt.Fprintf(w.stderr, "translated %d\n", w.done+decoded)
		return write(found)
	})
	if err != nil {
		return err
	}
	w.done += len(sources)
	return write(nil) // writes lines if all were empty
}

// encode encodes a line; nil if it is empty or has only unknown characters.
func (w *targetWriter) encode(line string) []int32 {
	w.read++
	if line = strings.TrimSpace(line); line == "" {
		return nil
	}
	t := w.loaded
	ids, unknown := data.EncodeSource(t.Tokenizer, line)
	w.unknown.add(w.read, unknown)
	if len(ids) == 1 { // only End: no character is known
		return nil
	}
	if len(ids) > t.Model.Context {
		ids = append(ids[:t.Model.Context-1], t.Tokenizer.Specials().End)
		w.cut++
	}
	return ids
}

// conclude warns of sources that were changed, and reports the rounds of parallel decoding.
func (w *targetWriter) conclude() {
	if w.cut > 0 {
		warn(w.stderr, "%d sources are longer than the model's %d tokens and were cut",
			w.cut, w.loaded.Model.Context)
	}
	w.unknown.warn(w.stderr)
	if w.decode == "parallel" {
		tellRounds(w.stderr, w.decoder.Rounds())
	}
}

// oneLine replaces what any reader could take for a line end.
var oneLine = strings.NewReplacer("\n", " ", "\r", " ", "\v", " ", "\f", " ", "\u0085", " ", "\u2028", " ",
	"\u2029", " ")

// write prints a source's targets: --nbest lines, or a JSON object.
func (w *targetWriter) write(source string, found []generate.Hypothesis) error {
	t := translated{Source: source, Targets: []scored{}}
	for _, h := range found[:min(w.nbest, len(found))] {
		text := strings.ToValidUTF8(string(w.loaded.Tokenizer.Decode(nil, h.IDs)), "\uFFFD")
		t.Targets = append(t.Targets, scored{oneLine.Replace(text), metrics.Number(h.Score)})
	}
	if w.json {
		return json.NewEncoder(w.out).Encode(t)
	}
	for i := range w.nbest {
		text := ""
		if i < len(t.Targets) {
			text = t.Targets[i].Text
		}
		if _, err := fmt.Fprintln(w.out, text); err != nil {
			return err
		}
	}
	return nil
}
