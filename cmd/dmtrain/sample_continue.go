package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"dmtrain/internal/generate"
	"dmtrain/internal/saved"
	"dmtrain/internal/tokenizer"
)

// continuePrompt continues the prompt --num times.
func (o *sampleOptions) continuePrompt(
	ctx context.Context, l *saved.Model, prompt string, stdout, stderr io.Writer,
) error {
	if o.decode == "parallel" && l.Ours && !l.Config.Mask.Slots() {
		return usagef("--decode: parallel: %s was trained with mask.form %s, and only form infill teaches a model "+
			"to predict blocks", l.Dir, l.Config.Mask.Form)
	}
	if o.decode == "parallel" && !l.Ours {
		warn(stderr, "%s says nothing of its training; --decode parallel makes sense only "+
			"of models trained with mask.form infill", l.Dir)
	}
	if o.decode == "parallel" {
		if err := o.checkBlock(l.Model.Context); err != nil {
			return err
		}
	}
	decoder, err := generate.NewDecoder(l.Model, l.Config.Mask)
	if err != nil {
		return err
	}
	defer decoder.Free()
	ids, unknown := opening(l.Tokenizer, prompt)
	warnUnknown(stderr, unknown)
	for n := range o.num {
		s := continuation{
			sampleOptions: o,
			decoder:       decoder,
			loaded:        l,
			number:        n,
			out:           stdout,
		}
		if err := s.run(ctx, prompt, ids); err != nil {
			return err
		}
		s.tell(stderr)
	}
	return nil
}

func warnUnknown(stderr io.Writer, characters int) {
	if characters > 0 {
		warn(stderr, "the prompt has %d characters that the model does not know; they are "+
			"left out", characters)
	}
}

// opening is the prompt as the beginning of a document. If that has no token, it is a line feed, after which any text
// may begin, or else the first token of the vocabulary.
func opening(t tokenizer.Tokenizer, prompt string) (ids []int32, unknown int) {
	if begin := t.Specials().Begin; begin >= 0 {
		ids = append(ids, begin)
	}
	ids, unknown = t.Encode(ids, []byte(prompt))
	if len(ids) == 0 {
		ids, _ = t.Encode(nil, []byte("\n"))
	}
	if len(ids) == 0 {
		ids = []int32{0}
	}
	return ids, unknown
}

// continuation is one sample in progress.
type continuation struct {
	*sampleOptions
	decoder *generate.Decoder
	loaded  *saved.Model
	number  int
	out     io.Writer

	text   string // the added text
	tokens int
	rounds generate.Rounds
}

// continuationRecord is a continuation as --json prints it.
type continuationRecord struct {
	Sample         int     `json:"sample"`
	Prompt         string  `json:"prompt"`
	Text           string  `json:"text"` // the added text
	Tokens         int     `json:"tokens"`
	Ended          bool    `json:"ended"` // by the model itself
	RoundsPerToken float64 `json:"rounds_per_token"`
}

func (s *continuation) run(ctx context.Context, prompt string, ids []int32) error {
	show := textPrinter(s.out, s.json)
	if s.number > 0 {
		show("---\n")
	}
	show(prompt)
	stream := tokenizer.NewStream(s.loaded.Tokenizer)
	add := func(piece string) error {
		s.text += piece
		return show(piece)
	}
	err := s.decodeFrom(ctx, ids, func(id int32) error {
		s.tokens++
		return add(stream.Next(id))
	})
	if err := errors.Join(err, add(stream.Flush())); err != nil {
		return errors.Join(err, show("\n"))
	}
	if s.json {
		return json.NewEncoder(s.out).Encode(continuationRecord{
			Sample:         s.number + 1,
			Prompt:         prompt,
			Text:           s.text,
			Tokens:         s.tokens,
			Ended:          s.tokens < s.maxTokens,
			RoundsPerToken: s.rounds.PerToken(),
		})
	}
	return show("\n")
}

// decodeFrom continues ids and calls emit with each token.
func (s *continuation) decodeFrom(ctx context.Context, ids []int32, emit generate.Emit) (err error) {
	end := s.loaded.Tokenizer.Specials().End
	o := generate.Options{
		Sampling:  s.Sampling,
		MaxTokens: s.maxTokens,
		Sequence:  s.number,
		End:       end,
		Banned:    bannedIDs(s.loaded, end),
	}
	if s.decode == "parallel" {
		o.Blocks = &generate.Blocks{Size: s.block, Acceptance: s.Acceptance}
	}
	s.rounds, err = s.decoder.Continue(ctx, ids, o, emit)
	return err
}

// bannedIDs are the ids that stand for no text, except one.
func bannedIDs(l *saved.Model, but int32) (ids []int32) {
	special := l.Tokenizer.Specials()
	for _, id := range []int32{special.Begin, special.End} {
		if id >= 0 && id != but {
			ids = append(ids, id)
		}
	}
	for id := l.Tokenizer.Vocab(); id < l.Model.Vocab; id++ {
		ids = append(ids, int32(id)) // padding of the model's vocabulary
	}
	return ids
}

// tell reports the number of rounds of parallel decoding.
func (s *continuation) tell(stderr io.Writer) {
	if s.decode == "parallel" && !s.json {
		tellRounds(stderr, s.rounds)
	}
}

func tellRounds(stderr io.Writer, r generate.Rounds) {
	fmt.Fprintf(stderr, "%d tokens in %d rounds: %.2f rounds a token\n", r.Tokens, r.Passes, r.PerToken())
}
