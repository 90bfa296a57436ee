package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"dmtrain/internal/generate"
	"dmtrain/internal/saved"
	"dmtrain/internal/task/tasks"
)

type translateOptions struct {
	modelFlags
	generate.Translation
	decodeFlags
	nbest     int
	json      bool
	streaming bool
	flags     *pflag.FlagSet
}

// idle are the flags of modes other than the chosen one.
func (o *translateOptions) idle() idleFlags {
	i := idleFlags{why: "for --decode parallel only"}
	if o.decode != "parallel" {
		i.names = acceptanceFlags
	}
	return i
}

func translateCommand() *cobra.Command {
	var o translateOptions
	cmd := &cobra.Command{
		Use:   "translate (--run DIRECTORY | --checkpoint DIRECTORY) < SOURCES > TARGETS",
		Short: "Let a trained encoder–decoder translate lines of text",
		Long: `translate reads one source a line from standard input and writes one target a line, in
the same order, as soon as all before it are done: so a pipe is translated as it grows. An
empty line stays empty. Progress goes to standard error.

With --nbest N every source has N lines; where the search found fewer targets, and for an
empty line, the rest of them are empty. With --json a line has what was found.

With --decode parallel a model that was trained with mask.form infill predicts whole blocks
of its targets at once, keeps what it is sure of and predicts the rest anew.

With --stream a model that was trained with mask.cross wait_k writes while it reads: each
line of output is a step, with what was read of the source, a tab, and what was written
after it. An empty line ends a target.`,
		Example: `  dmtrain translate --run runs/dates < dates.txt
  dmtrain translate --run runs/de --beams 5 --length-penalty 0.6 < test.en > test.de
  dmtrain translate --run runs/de --beams 5 --nbest 3 --json --max-tokens 100 --batch 16 < test.en
  dmtrain translate --run runs/de --temperature 0.8 --top-k 20 --top-p 0.9 --min-p 0.02 --seed 2 < test.en
  dmtrain translate --run runs/de --which last --threads 2 < test.en
  dmtrain translate --run runs/infill --decode parallel --block 8 --threshold 0.9 --max-rounds 4 < test.en
  dmtrain translate --run runs/infill --decode parallel --budget 0.5 < test.en
  dmtrain translate --run runs/wait3 --stream < test.en
  dmtrain translate --checkpoint runs/de/checkpoints/step-000400 --device cpu < test.en`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	o.modelFlags.addFlags(cmd)
	flags := cmd.Flags()
	o.flags = flags
	flags.IntVar(&o.Beams, "beams", 1, "targets followed at once; 1 always takes the most probable token")
	flags.Float64Var(&o.LengthPenalty, "length-penalty", 1,
		"how much longer targets are preferred; 0 compares plain probabilities")
	o.decodeFlags.addFlags(cmd, 8, "parallel")
	flags.IntVar(&o.nbest, "nbest", 1,
		"print so many targets a source, the best first, each on a line; at most --beams")
	flags.IntVar(&o.MaxTokens, "max-tokens", 0, "the most `tokens` of a target; 0 = as many as the model can")
	flags.IntVar(&o.Batch, "batch", 32, "sources decoded at once")
	flags.Float64Var(&o.Temperature, "temperature", 0,
		"above 0 draws targets instead of searching for the most probable one")
	addTruncation(flags, &o.Sampling, "draw")
	flags.Uint64Var(&o.Seed, "seed", 1, "the same seed draws the same targets")
	flags.BoolVar(&o.streaming, "stream", false,
		"write while reading, and show what was read before each piece of the target")
	flags.BoolVar(&o.json, "json", false, "print one JSON object a source, with all targets and their scores")
	return cmd
}

func (o *translateOptions) check() error {
	if err := o.Translation.Check(); err != nil {
		return usagef("--%w", err)
	}
	if o.nbest < 1 || o.nbest > o.Beams {
		return usagef("--nbest: %d is not within 1 … --beams, %d", o.nbest, o.Beams)
	}
	if err := o.checkDecode(); err != nil {
		return err
	}
	if o.streaming {
		if err := o.checkStream(); err != nil {
			return err
		}
	}
	return o.modelFlags.check()
}

func (o *translateOptions) run(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	t, err := saved.Load(o.Ref, tasks.All())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	if !t.Encoder {
		return fmt.Errorf("%s: not an encoder–decoder, which task seq2seq trains", t.Dir)
	}
	o.announce(stderr, t.Warnings, t.Backend)
	warnIdle(stderr, o.flags, idleSampling(o.Temperature), o.idle())
	special := t.Tokenizer.Specials()
	o.Begin, o.End = special.Begin, special.End
	if o.streaming {
		if err := canStream(t); err != nil {
			return err
		}
		return o.stream(ctx, t, stdin, stdout, stderr)
	}
	d, err := o.translator(t)
	if err != nil {
		return err
	}
	defer d.Free()
	w := &targetWriter{
		translateOptions: o,
		loaded:           t,
		decoder:          d,
		out:              bufio.NewWriter(stdout),
		stderr:           stderr,
	}
	in := readLines(stdin, o.readAhead())
	err = w.all(ctx, in)
	w.conclude()
	in.warn(stderr)
	return err
}

// checkDecode checks the flags of decoding in parallel.
func (o *translateOptions) checkDecode() error {
	if err := o.decodeFlags.check(); err != nil {
		return err
	}
	switch {
	case o.decode == "parallel" && o.Beams > 1:
		return usagef("--decode: parallel follows one target at a time, so --beams must be 1")
	case o.decode == "parallel" && o.streaming:
		return usagef("--stream writes token by token and --decode parallel in blocks: leave one out")
	}
	return nil
}

// translator makes the decoder that the flags ask for.
func (o *translateOptions) translator(t *saved.Model) (*generate.Translator, error) {
	if o.decode == "causal" {
		return generate.NewTranslator(t.Model, t.Config.Mask, o.Translation)
	}
	if err := o.checkBlock(t.Model.Context); err != nil {
		return nil, err
	}
	if !t.Config.Mask.Slots() {
		return nil, usagef("--decode: %s was not trained to fill blanks (mask.form: infill), so it can't decode in "+
			"parallel", t.Dir)
	}
	o.Blocks = &generate.Blocks{Size: o.block, Acceptance: o.Acceptance}
	return generate.NewTranslator(t.Model, t.Config.Mask, o.Translation)
}
