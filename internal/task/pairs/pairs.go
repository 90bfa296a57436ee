// Package pairs is the task of writing a target for a source, as in translation: rows are targets, which read the
// sources they belong to. Pairs of like length are batched together.
package pairs

import (
	_ "embed"

	"dmtrain/internal/config"
	"dmtrain/internal/files"
	"dmtrain/internal/mask"
	"dmtrain/internal/model"
	"dmtrain/internal/recipe"
)

// Task is task seq2seq.
type Task struct{}

// Name is seq2seq.
func (Task) Name() string { return "seq2seq" }

// About is for help.
func (Task) About() string { return "pairs of texts, as in translation" }

//go:embed starter.yaml
var starter []byte

// Starter is a configuration with every key that the task has a use for.
func (Task) Starter() []byte { return starter }

// Builtin is a text that needs no file.
func (Task) Builtin() string { return "builtin:dates" }

// Next translates.
func (Task) Next(run string) string {
	return "dmtrain translate --run " + files.Quoted(run) + " < source.txt"
}

// Model is an encoder–decoder.
func (Task) Model(c config.Config, vocab int) model.Config {
	m := recipe.Model(c, vocab)
	m.Encoder, m.CausalEncoder = true, c.Model.CausalEncoder
	return m
}

// Problems are those of the pairs, and of masks that decoding pairs has no use for.
func (Task) Problems(c config.Config) []config.Problem {
	var l config.Complaints
	l.Parse(c.Data.PairProblems())
	s := c.Mask.Structure
	l.Need(c.Model.Dim%2 == 0, "model.dim", "%d is odd, but sinusoidal positions come in pairs", c.Model.Dim)
	l.Need(s == mask.StructureCausal || s == mask.StructureWindow || s == mask.StructureLookahead, "mask.structure",
		"task seq2seq has causal and window (and lookahead, to see it refused)")
	l.Need(c.Mask.Cross != mask.CrossWaitK || c.Model.CausalEncoder, "mask.cross",
		"wait_k needs model.causal_encoder: true, or every source position would have seen all others")
	return l
}
