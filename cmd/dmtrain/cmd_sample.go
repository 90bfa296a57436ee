package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"dmtrain/internal/generate"
	"dmtrain/internal/saved"
	"dmtrain/internal/task/tasks"
	"dmtrain/internal/textio"
)

type sampleOptions struct {
	modelFlags
	generate.Sampling
	decodeFlags
	prompt     string
	promptFile string
	maxTokens  int
	num        int
	blank      string
	length     int // tokens a blank stands for; 0 = any up to maxLength
	maxLength  int
	json       bool
	flags      *pflag.FlagSet
}

// idle are the flags of modes other than the chosen one.
func (o *sampleOptions) idle() idleFlags {
	switch {
	case o.blank != "":
		return idleFlags{[]string{"max-tokens", "block"},
			"--blank fills gaps, whose length --blank-tokens and --blank-max say"}
	case o.decode == "parallel":
		return idleFlags{[]string{"blank-tokens", "blank-max"}, "for --blank only"}
	}
	return idleFlags{append([]string{"blank-tokens", "blank-max"}, acceptanceFlags...),
		"for --blank and --decode parallel only"}
}

func sampleCommand() *cobra.Command {
	o := sampleOptions{}
	cmd := &cobra.Command{
		Use:   "sample (--run DIRECTORY | --checkpoint DIRECTORY)",
		Short: "Let a trained model continue a text",
		Long: `sample continues a prompt, or begins a text of its own, and shows the tokens as they
come. A model of a corpus of documents may end the text itself.

A model trained to fill blanks (mask.form infill) can do two things more. With --decode
parallel it predicts a whole block at once, keeps what it is sure of and predicts the rest
again. With --blank it fills gaps in the prompt, looking both ways.`,
		Example: `  dmtrain sample --run runs/quickstart
  dmtrain sample --run runs/quickstart --prompt "Once upon a time" --max-tokens 300
  dmtrain sample --run runs/quickstart --prompt-file start.txt --temperature 0 --threads 2
  dmtrain sample --run runs/quickstart --num 3 --seed 7 --top-k 50 --top-p 0.95 --min-p 0.02
  dmtrain sample --run runs/infill --decode parallel --block 16 --threshold 0.9 --max-rounds 8
  dmtrain sample --run runs/infill --decode parallel --budget 0.5
  dmtrain sample --run runs/infill --prompt "Once upon a time ___ was happy." --blank ___
  dmtrain sample --run runs/infill --prompt "Ann said ___ to Tom." --blank ___ --blank-max 24
  dmtrain sample --run runs/infill --prompt "Ann w_s sad." --blank _ --blank-tokens 1
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
	o.modelFlags.addFlags(cmd)
	flags := cmd.Flags()
	o.flags = flags
	flags.StringVar(&o.prompt, "prompt", "", "the `text` to continue")
	flags.StringVar(&o.promptFile, "prompt-file", "", "a `file` with the text to continue; - is standard input")
	flags.IntVar(&o.maxTokens, "max-tokens", 256, "the most `tokens` to add")
	flags.IntVar(&o.num, "num", 1, "how many samples, independent of one another")
	flags.Uint64Var(&o.Seed, "seed", 1, "the same seed gives the same samples")
	flags.Float64Var(&o.Temperature, "temperature", 0.8,
		"below 1 plays safe, above 1 dares; 0 always takes the most probable token")
	addTruncation(flags, &o.Sampling, "choose")
	o.decodeFlags.addFlags(cmd, 16, "parallel, blank")
	flags.StringVar(&o.blank, "blank", "", "fill the gaps that this `mark` leaves in the prompt")
	flags.IntVar(&o.length, "blank-tokens", 0,
		"how many `tokens` a gap stands for; 0 = try every number up to --blank-max")
	flags.IntVar(&o.maxLength, "blank-max", 16, "the most `tokens` a gap may stand for")
	flags.BoolVar(&o.json, "json", false, "print one JSON object a sample, when it is whole")
	must(cmd.MarkFlagFilename("prompt-file"))
	cmd.MarkFlagsMutuallyExclusive("prompt", "prompt-file")
}

func (o *sampleOptions) check() error {
	if err := o.modelFlags.check(); err != nil {
		return err
	}
	if err := o.Sampling.Check(); err != nil {
		return usagef("--%w", err) // the message begins with the flag's name
	}
	if err := o.decodeFlags.check(); err != nil {
		return err
	}
	switch {
	case o.maxTokens < 1:
		return usagef("--max-tokens: %d is not a number of tokens (1 or more)", o.maxTokens)
	case o.num < 1:
		return usagef("--num: %d is not a number of samples (1 or more)", o.num)
	}
	return o.checkBlank()
}

func (o *sampleOptions) checkBlank() error {
	switch {
	case o.length < 0:
		return usagef("--blank-tokens: %d is not a number of tokens (0 = any)", o.length)
	case o.maxLength < 1:
		return usagef("--blank-max: %d is not a number of tokens (1 or more)", o.maxLength)
	case o.blank != "" && o.decode == "parallel":
		return usagef("--blank fills gaps and --decode parallel continues a text: leave one out")
	}
	return nil
}

func (o *sampleOptions) run(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	prompt, err := o.readPrompt(stdin, stderr)
	if err != nil {
		return err
	}
	l, err := saved.Load(o.Ref, tasks.All())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if l.Encoder {
		return fmt.Errorf("%s: an encoder–decoder: try \"dmtrain translate\" or \"dmtrain eval\"", l.Dir)
	}
	o.announce(stderr, l.Warnings, l.Backend)
	warnIdle(stderr, o.flags, idleSampling(o.Temperature), o.idle())
	if o.blank != "" {
		return o.fill(ctx, l, prompt, stdout, stderr)
	}
	return o.continuePrompt(ctx, l, prompt, stdout, stderr)
}

// readPrompt reads the text to continue, with the checks of all text.
func (o *sampleOptions) readPrompt(stdin io.Reader, stderr io.Writer) (string, error) {
	in, name := stdin, standardInput
	switch o.promptFile {
	case "":
		in, name = strings.NewReader(o.prompt), "--prompt"
	case "-":
	default:
		f, err := os.Open(o.promptFile)
		if err != nil {
			return "", fmt.Errorf("--prompt-file: %w", err)
		}
		defer f.Close()
		in, name = f, o.promptFile
	}
	text, remarks, err := textio.ReadAll(in)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	warnOf(stderr, name, remarks)
	return text, nil
}
