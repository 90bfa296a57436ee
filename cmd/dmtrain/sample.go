package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"dmtrain/internal/generate"
	"dmtrain/internal/tokenizer"
	"dmtrain/internal/train"
)

type sampleOptions struct {
	saved
	generate.Sampling
	generate.Acceptance
	prompt     string
	promptFile string
	maxTokens  int
	num        int
	decode     string // causal | parallel
	block      int
	json       bool
}

func sampleCommand() *cobra.Command {
	o := sampleOptions{}
	cmd := &cobra.Command{
		Use:   "sample (--run DIRECTORY | --checkpoint DIRECTORY)",
		Short: "Let a trained model continue a text",
		Long: `sample continues a prompt, or begins a text of its own, and shows the tokens as they
come. A model of a corpus of documents may end the text itself.

With --decode parallel, a model trained to fill blanks (mask.form infill) predicts a whole
block at once, keeps what it is sure of and predicts the rest again.`,
		Example: `  dmtrain sample --run runs/quickstart
  dmtrain sample --run runs/quickstart --prompt "Once upon a time" --max-tokens 300
  dmtrain sample --run runs/quickstart --prompt-file start.txt --temperature 0
  dmtrain sample --run runs/quickstart --num 3 --seed 7 --top-k 50 --top-p 0.95 --min-p 0.02
  dmtrain sample --run runs/infill --decode parallel --block 16 --threshold 0.9 --max-rounds 8
  dmtrain sample --run runs/infill --decode parallel --budget 0.5
  dmtrain sample --checkpoint runs/quickstart/checkpoints/step-000400 --device cpu --json
  dmtrain sample --run runs/quickstart --which last`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	o.addFlags(cmd)
	return cmd
}

func (o *sampleOptions) addFlags(cmd *cobra.Command) {
	o.saved.addFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.prompt, "prompt", "", "the `text` to continue")
	flags.StringVar(&o.promptFile, "prompt-file", "", "a `file` with the text to continue; - is standard input")
	flags.IntVar(&o.maxTokens, "max-tokens", 256, "the most `tokens` to add")
	flags.IntVar(&o.num, "num", 1, "how many samples, independent of one another")
	flags.Uint64Var(&o.Seed, "seed", 1, "the same seed gives the same samples")
	flags.Float64Var(&o.Temperature, "temperature", 0.8, "below 1 plays safe, above 1 dares; 0 always takes the most probable token")
	flags.IntVar(&o.TopK, "top-k", 0, "choose among the `k` most probable tokens only; 0 = all")
	flags.Float64Var(&o.TopP, "top-p", 1, "choose among the most probable tokens that together reach this `probability`")
	flags.Float64Var(&o.MinP, "min-p", 0, "leave out tokens less probable than this `share` of the most probable one")
	flags.StringVar(&o.decode, "decode", "causal", "causal: one token after the other; parallel: blocks of tokens at once")
	flags.IntVar(&o.block, "block", 16, "parallel: `tokens` predicted at once")
	flags.Float64Var(&o.Threshold, "threshold", 0.9, "parallel: keep predictions of at least this `confidence`")
	flags.Float64Var(&o.Budget, "budget", 0, "parallel: instead, keep the surest while their doubts (1 - confidence) sum to at most this")
	flags.IntVar(&o.MaxRounds, "max-rounds", 0, "parallel: the most `rounds` a block may take; 0 = as many as it has tokens")
	flags.BoolVar(&o.json, "json", false, "print one JSON object a sample, when it is whole")
	complete(cmd, "decode", "causal", "parallel")
	must(cmd.MarkFlagFilename("prompt-file"))
	cmd.MarkFlagsMutuallyExclusive("prompt", "prompt-file")
}

func (o *sampleOptions) check() error {
	if err := o.saved.check(); err != nil {
		return err
	}
	for _, err := range []error{o.Sampling.Check(), o.Acceptance.Check()} {
		if err != nil {
			return usagef("--%w", err) // their messages begin with the name
		}
	}
	switch {
	case o.maxTokens < 1:
		return usagef("--max-tokens: %d is not a number of tokens (1 or more)", o.maxTokens)
	case o.num < 1:
		return usagef("--num: %d is not a number of samples (1 or more)", o.num)
	case o.decode != "causal" && o.decode != "parallel":
		return usagef("--decode: %q is neither causal nor parallel", o.decode)
	}
	return nil
}

func (o *sampleOptions) run(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	prompt, err := o.readPrompt(stdin)
	if err != nil {
		return err
	}
	l, err := train.Load(o.Source)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	decoder, err := generate.NewDecoder(l.Model, l.Config.Mask)
	if err != nil {
		return err
	}
	defer decoder.Free()
	ids, unknown := opening(l.Tokenizer, prompt)
	if unknown > 0 {
		fmt.Fprintf(stderr, "dmtrain: warning: the prompt has %d characters that the model does not know; they are left out\n", unknown)
	}
	for n := range o.num {
		s := sampling{sampleOptions: o, decoder: decoder, loaded: l, number: n, out: stdout}
		if err := s.run(ctx, prompt, ids); err != nil {
			return err
		}
		s.tell(stderr)
	}
	return nil
}

func (o *sampleOptions) readPrompt(stdin io.Reader) (string, error) {
	switch o.promptFile {
	case "":
		return o.prompt, nil
	case "-":
		text, err := io.ReadAll(stdin)
		return string(text), err
	}
	text, err := os.ReadFile(o.promptFile)
	if err != nil {
		return "", fmt.Errorf("--prompt-file: %w", err)
	}
	return string(text), nil
}

// opening is what a sample continues: the prompt as a document's beginning. Without a prompt, and where documents have
// no mark at their beginning, it is a line feed, after which much may begin, or else the first token there is.
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

// sampling is one sample being made.
type sampling struct {
	*sampleOptions
	decoder *generate.Decoder
	loaded  *train.Loaded
	number  int
	out     io.Writer

	text   string // what was added
	tokens int
	rounds generate.Rounds
}

// sampleRecord is a sample as --json prints it.
type sampleRecord struct {
	Sample         int     `json:"sample"`
	Prompt         string  `json:"prompt"`
	Text           string  `json:"text"` // what was added
	Tokens         int     `json:"tokens"`
	Ended          bool    `json:"ended"` // by the model itself
	RoundsPerToken float64 `json:"rounds_per_token"`
}

func (s *sampling) run(ctx context.Context, prompt string, ids []int32) error {
	show := s.shower()
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
		return json.NewEncoder(s.out).Encode(sampleRecord{Sample: s.number + 1, Prompt: prompt, Text: s.text, Tokens: s.tokens,
			Ended: s.tokens < s.maxTokens, RoundsPerToken: s.rounds.PerToken()})
	}
	return show("\n")
}

// decodeFrom continues ids and hands on each token.
func (s *sampling) decodeFrom(ctx context.Context, ids []int32, emit generate.Emit) (err error) {
	special := s.loaded.Tokenizer.Specials()
	o := generate.Options{Sampling: s.Sampling, MaxTokens: s.maxTokens, Sequence: s.number, End: special.End}
	if special.Begin != special.End && special.Begin >= 0 {
		o.Banned = append(o.Banned, special.Begin)
	}
	for id := s.loaded.Tokenizer.Vocab(); id < s.loaded.Model.Vocab; id++ {
		o.Banned = append(o.Banned, int32(id)) // rows that only pad the model's vocabulary
	}
	if s.decode == "parallel" {
		s.rounds, err = s.decoder.Parallel(ctx, ids, s.block, s.Acceptance, o, emit)
		return err
	}
	err = s.decoder.Causal(ctx, ids, o, emit)
	s.rounds = generate.Rounds{Passes: s.tokens, Tokens: s.tokens}
	return err
}

// shower returns what writes a piece of text: at once, safe for a terminal, and nothing under --json.
func (s *sampling) shower() func(string) error {
	safe := func(text string) string { return text }
	if f, ok := s.out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		safe = tokenizer.Printable
	}
	return func(text string) error {
		if s.json || text == "" {
			return nil
		}
		_, err := io.WriteString(s.out, safe(text))
		return err
	}
}

// tell reports what parallel decoding saved.
func (s *sampling) tell(stderr io.Writer) {
	if s.decode == "parallel" && !s.json {
		fmt.Fprintf(stderr, "%d tokens in %d rounds: %.2f rounds a token\n", s.rounds.Tokens, s.rounds.Passes, s.rounds.PerToken())
	}
}
