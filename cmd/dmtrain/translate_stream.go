package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"dmtrain/internal/data"
	"dmtrain/internal/generate"
	"dmtrain/internal/mask"
	"dmtrain/internal/saved"
	"dmtrain/internal/textio"
	"dmtrain/internal/tokenizer"
)

// streamed is a step of a simultaneous translation, for --json.
type streamed struct {
	Line   int    `json:"line"`   // of the input, from 1
	Read   string `json:"read"`   // part of the source, since the last step
	Wrote  string `json:"wrote"`  // part of the target, written after it
	Source string `json:"source"` // read so far
	Target string `json:"target"` // written so far
}

// stream translates line by line while it reads, and shows each step as soon as it is taken.
func (o *translateOptions) stream(ctx context.Context, t *saved.Model, in io.Reader, out, stderr io.Writer) error {
	var unknown unknownCharacters
	remarks, err := textio.Lines(in, func(n int, line []byte) error {
		s := streamPrinter{out: out, json: o.json, line: n}
		ids, missing := data.EncodeSource(t.Tokenizer, strings.TrimSpace(string(line)))
		unknown.add(n, missing)
		return s.translate(ctx, t, ids, o.Translation)
	})
	warnOf(stderr, standardInput, remarks)
	unknown.warn(stderr)
	return ofInput(err)
}

// streamPrinter shows the steps of one line.
type streamPrinter struct {
	out            io.Writer
	json           bool
	line           int
	source, target textSoFar
}

func (s *streamPrinter) translate(ctx context.Context, t *saved.Model, ids []int32, o generate.Translation) error {
	if len(ids) > 1 { // End alone is no source
		s.source.tok, s.target.tok = t.Tokenizer, t.Tokenizer
		given := 0
		next := func() (int32, bool) {
			if given == len(ids) {
				return 0, false
			}
			given++
			return ids[given-1], true
		}
		text := ids[:len(ids)-1] // End is no text
		err := generate.Stream(ctx, t.Model, t.Config.Mask, next, o, func(read int, id int32) error {
			return s.step(s.source.upTo(text[:min(read, len(text))]), s.target.upTo(append(s.target.ids, id)))
		})
		if err != nil {
			return err
		}
	}
	if s.json {
		return nil
	}
	_, err := fmt.Fprintln(s.out)
	return err
}

// step prints what was read and what was written after it.
func (s *streamPrinter) step(read, wrote string) error {
	if s.json {
		return json.NewEncoder(s.out).Encode(streamed{s.line, read, wrote, s.source.text, s.target.text})
	}
	flat := strings.NewReplacer("\t", " ", "\n", " ")
	_, err := fmt.Fprintf(s.out, "%s\t%s\n", flat.Replace(read), flat.Replace(wrote))
	return err
}

// textSoFar decodes tokens incrementally, without incomplete characters.
type textSoFar struct {
	tok  tokenizer.Tokenizer
	ids  []int32
	text string
}

// upTo returns the text that is new, given all tokens so far.
func (t *textSoFar) upTo(ids []int32) string {
	t.ids = ids
	all := t.tok.Decode(nil, ids)
	for cut := max(0, len(all)-utf8.UTFMax+1); cut < len(all); cut++ {
		if utf8.RuneStart(all[cut]) && !utf8.FullRune(all[cut:]) {
			all = all[:cut]
			break
		}
	}
	before := len(t.text)
	t.text = strings.ToValidUTF8(string(all), "\uFFFD")
	return t.text[min(before, len(t.text)):]
}

// checkStream refuses settings that a simultaneous translation can't have.
func (o *translateOptions) checkStream() error {
	if o.Beams > 1 {
		return usagef("--stream: what has been written can't be taken back, so --beams must be 1")
	}
	return nil
}

// canStream checks that a model was trained to write while it reads.
func canStream(t *saved.Model) error {
	if t.Config.Mask.Cross != mask.CrossWaitK {
		return usagef("--stream: %s was trained to read the whole source first; mask.cross: wait_k trains models "+
			"that write while they read", t.Dir)
	}
	return nil
}
