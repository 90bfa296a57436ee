package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"dmtrain/internal/generate"
)

// decodeFlags choose between decoding token by token and in parallel blocks.
type decodeFlags struct {
	generate.Acceptance
	decode string // causal | parallel
	block  int    // tokens
}

// addFlags adds the flags, with a default size of blocks. used names the modes that accept predictions.
func (d *decodeFlags) addFlags(cmd *cobra.Command, block int, used string) {
	flags := cmd.Flags()
	flags.StringVar(&d.decode, "decode", "causal",
		"causal: one token after the other; parallel: blocks of tokens at once")
	flags.IntVar(&d.block, "block", block, "parallel: `tokens` predicted at once")
	flags.Float64Var(&d.Threshold, "threshold", 0.9, used+": keep predictions of at least this `confidence`")
	flags.Float64Var(&d.Budget, "budget", 0,
		used+": instead, keep the surest while their doubts (1 - confidence) sum to at most this")
	flags.IntVar(&d.MaxRounds, "max-rounds", 0,
		used+": the most `rounds` a block may take; 0 = as many as it has tokens")
	complete(cmd, "decode", "causal", "parallel")
}

func (d *decodeFlags) check() error {
	if err := d.Acceptance.Check(); err != nil {
		return usagef("--%w", err) // the message begins with the flag's name
	}
	if d.decode != "causal" && d.decode != "parallel" {
		return usagef("--decode: %q is neither causal nor parallel", d.decode)
	}
	return nil
}

// checkBlock checks the size of blocks against a model's context.
func (d *decodeFlags) checkBlock(context int) error {
	if most := context / 2; d.block < 1 || d.block > most {
		return usagef("--block: %d tokens is not within 1 … %d, half the model's context", d.block, most)
	}
	return nil
}

// addTruncation adds the flags that restrict which tokens are drawn; verb says what happens among them.
func addTruncation(flags *pflag.FlagSet, s *generate.Sampling, verb string) {
	flags.IntVar(&s.TopK, "top-k", 0, verb+" among the `k` most probable tokens only; 0 = all")
	flags.Float64Var(&s.TopP, "top-p", 1,
		verb+" among the most probable tokens that together reach this `probability`")
	flags.Float64Var(&s.MinP, "min-p", 0, "leave out tokens less probable than this `share` of the most probable one")
}
