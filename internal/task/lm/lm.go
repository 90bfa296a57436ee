// Package lm is the task of continuing a text: rows are windows of it, each token is predicted from those that it sees.
package lm

import (
	_ "embed"

	"dmtrain/internal/config"
	"dmtrain/internal/files"
	"dmtrain/internal/mask"
	"dmtrain/internal/model"
	"dmtrain/internal/recipe"
)

// Task is task lm.
type Task struct{}

// Name is lm.
func (Task) Name() string { return "lm" }

// About is for help.
func (Task) About() string { return "a language model" }

//go:embed starter.yaml
var starter []byte

// Starter is a configuration with every key, its default and a comment.
func (Task) Starter() []byte { return starter }

// Builtin is a text that needs no file.
func (Task) Builtin() string { return "builtin:stories" }

// Next samples.
func (Task) Next(run string) string { return "dmtrain sample --run " + files.Quoted(run) }

// Model is a decoder.
func (Task) Model(c config.Config, vocab int) model.Config { return recipe.Model(c, vocab) }

// Problems are those of the text, and of settings for sources.
func (Task) Problems(c config.Config) []config.Problem {
	var l config.Complaints
	l.Parse(c.Data.Problems())
	m, t := c.Mask, c.Train
	l.Need(m.Buckets == 1 || !m.Hides() || m.Structure != mask.StructureWindow, "mask.buckets",
		"%d ranges of positions move apart what positions of a document see by how far they are from its start, "+
			"but under structure window they don't see the start, and would learn of it that way; use 1, or "+
			"structure sinks, which shows it",
		m.Buckets)
	l.Need(t.MicroBatch < 1 || t.BatchSize%t.MicroBatch == 0, "train.micro_batch",
		"%d rows a pass do not divide train.batch_size, %d (0 = all in one pass)", t.MicroBatch, t.BatchSize)
	l.Need(m.Cross == mask.CrossFull, "mask.cross", "is for task seq2seq")
	l.Need(m.SourceProb == 0, "mask.source_prob", "is for task seq2seq")
	l.Need(!c.Model.CausalEncoder, "model.causal_encoder", "is for task seq2seq")
	l.Need(t.Metric == "loss", "train.metric", "%s is for task seq2seq", t.Metric)
	l.Need(t.LabelSmoothing == 0, "train.label_smoothing", "is for task seq2seq")
	return l
}
