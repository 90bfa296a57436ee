package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"dmtrain/internal/generate"
	"dmtrain/internal/mask"
	"dmtrain/internal/saved"
	"dmtrain/internal/tokenizer"
)

// filledRecord is a text with its blanks filled as --json prints it.
type filledRecord struct {
	Sample         int      `json:"sample"`
	Text           string   `json:"text"`
	Fills          []string `json:"fills"`
	Tokens         int      `json:"tokens"` // of the fills
	RoundsPerToken float64  `json:"rounds_per_token"`
}

// fill fills the prompt's blanks --num times.
func (o *sampleOptions) fill(ctx context.Context, l *saved.Model, prompt string, stdout, stderr io.Writer) error {
	if form := l.Config.Mask.Form; form != mask.FormInfill {
		return usagef("--blank: %s was trained with mask.form %s, and only form infill teaches a model to fill blanks",
			l.Dir, form)
	}
	filler, err := generate.NewFiller(l.Backend, l.Model, l.Config.Mask)
	if err != nil {
		return err
	}
	texts := strings.Split(prompt, o.blank)
	if len(texts) < 2 {
		return usagef("--blank: the prompt has no %q", o.blank)
	}
	trimSpaces(l.Tokenizer, texts)
	parts := make([][]int32, len(texts))
	missing := 0
	for i, text := range texts {
		var unknown int
		if i == 0 {
			parts[i], unknown = opening(l.Tokenizer, text)
		} else {
			parts[i], unknown = l.Tokenizer.Encode(nil, []byte(text))
		}
		missing += unknown
	}
	warnUnknown(stderr, missing)
	for n := range o.num {
		options := generate.FillOptions{
			Options: generate.Options{
				Sampling: o.Sampling,
				Sequence: n,
				End:      -1,
				Banned:   bannedIDs(l, -1),
			},
			Acceptance: o.Acceptance,
			Length:     o.length,
			MaxLength:  o.maxLength,
		}
		_, fills, rounds, err := filler.Fill(ctx, parts, options)
		if err != nil {
			return err
		}
		if err := o.showFilled(stdout, n, texts, decodeAll(l.Tokenizer, fills), rounds); err != nil {
			return err
		}
		if !o.json {
			tellRounds(stderr, rounds)
		}
	}
	return nil
}

// trimSpaces removes the space before each blank if tokens include their leading space: after a lone space, no word of
// such a vocabulary can follow. The fill then begins with the space.
func trimSpaces(t tokenizer.Tokenizer, texts []string) {
	if kind := t.Kind(); kind != "bpe" && kind != "gpt2" {
		return
	}
	for i := range len(texts) - 1 {
		if trimmed := strings.TrimSuffix(texts[i], " "); trimmed != "" || i > 0 {
			texts[i] = trimmed
		}
	}
}

// decodeAll decodes each fill.
func decodeAll(t tokenizer.Tokenizer, fills [][]int32) []string {
	texts := make([]string, len(fills))
	for i, ids := range fills {
		stream := tokenizer.NewStream(t)
		for _, id := range ids {
			texts[i] += stream.Next(id)
		}
		texts[i] += stream.Flush()
	}
	return texts
}

// showFilled prints the text with its fills, underlined on a terminal.
func (o *sampleOptions) showFilled(out io.Writer, n int, texts, fills []string, r generate.Rounds) error {
	if o.json {
		whole := texts[0]
		for i, fill := range fills {
			whole += fill + texts[i+1]
		}
		return json.NewEncoder(out).Encode(filledRecord{n + 1, whole, fills, r.Tokens, r.PerToken()})
	}
	begin, end := "", ""
	if onTerminal(out) {
		begin, end = "\x1b[4m", "\x1b[24m" // ECMA-48: underlined, not underlined
	}
	show := textPrinter(out, false)
	raw := func(code string) error {
		_, err := io.WriteString(out, code)
		return err
	}
	err := show(texts[0])
	for i, fill := range fills {
		err = errors.Join(err, raw(begin), show(fill), raw(end), show(texts[i+1]))
	}
	return errors.Join(err, show("\n"))
}
