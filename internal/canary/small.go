package canary

import (
	"math"
	"path/filepath"

	"dmtrain/internal/config"
	"dmtrain/internal/mask"
)

// The size of the canary's model and rows: a step takes milliseconds.
const (
	maxLayers  = 2
	heads      = 4
	dim        = 32
	maxSeqLen  = 32
	batchRows  = 32
	pairTokens = 1024 // a step of task seq2seq
	minTokens  = 16
)

// small keeps the masks of the configuration and makes everything else small. Lengths in masks shrink with the rows,
// by the returned factor.
func small(c config.Config) (config.Config, float64) {
	d := config.Default()
	s := c
	s.Precision = config.FP32
	s.Model = config.Model{
		Layers:        min(c.Model.Layers, maxLayers),
		Heads:         heads,
		Dim:           dim,
		CausalEncoder: c.Model.CausalEncoder,
	}
	s.Data.SeqLen = min(c.Data.SeqLen, maxSeqLen)
	factor := float64(s.Data.SeqLen) / float64(c.Data.SeqLen)
	shrink := func(n int) int {
		if n == 0 {
			return 0
		}
		return max(1, int(math.Round(float64(n)*factor)))
	}
	s.Mask.Window, s.Mask.MaxWindow = shrink(c.Mask.Window), shrink(c.Mask.MaxWindow)
	s.Mask.WaitMore = shrink(c.Mask.WaitMore)
	s.Mask.MinTokens = min(c.Mask.MinTokens, minTokens)
	s.Data.TrainBytes, s.Data.Test, s.Data.TestFraction = 0, nil, 0
	s.Data.Pairs.TestSource, s.Data.Pairs.TestTarget = nil, nil
	s.Data.Pairs.Source, s.Data.Pairs.Target, s.Data.Pairs.ValidSource, s.Data.Pairs.ValidTarget = nil, nil, nil, nil
	s.Data.Pairs.BatchTokens = min(c.Data.Pairs.BatchTokens, pairTokens)
	if s.Data.Tokenizer.Kind == "gpt2" || s.Data.Tokenizer.File != "" {
		s.Data.Tokenizer.Kind, s.Data.Tokenizer.File, s.Data.Tokenizer.Size = "bpe", "", 512
	}
	s.Train = d.Train
	s.Train.BatchSize, s.Train.MicroBatch = batchRows, 0
	s.Train.LR, s.Train.MinLR, s.Train.WeightDecay, s.Train.Betas = 5e-3, 2e-4, 0, [2]float64{0.9, 0.98}
	s.Train.EvalEvery, s.Train.SaveEvery = 0, 0
	if s.Data.DocumentSeparator == "" {
		s.Data.DocumentSeparator = "|"
	}
	return s, factor
}

// The range of reliability on random text: a moving mask is closed below and open above it.
const (
	lowReliability  = 0.02
	highReliability = 0.2
)

// compress speeds the masks up, so that they move as far in so many steps as in the configured run.
func compress(s *config.Config, was config.Config, steps int) {
	s.Train.Steps, s.Train.Warmup = steps, steps/20
	faster := max(1, float64(was.Train.Steps)/float64(steps))
	m := &s.Mask
	m.Low, m.High = lowReliability, highReliability
	m.OpenRate, m.CloseRate = min(1, was.Mask.OpenRate*faster), min(1, was.Mask.CloseRate*faster)
	m.Beta = math.Pow(was.Mask.Beta, faster)
	m.Warmup = max(1, steps/20)
	if m.Schedule.Steps > 0 {
		m.Schedule.Steps = max(1, int(float64(m.Schedule.Steps)/faster))
	}
}

// paths sets the paths of the text and the run to files in a directory.
func paths(s *config.Config, dir string, pairs bool) {
	name := func(part string) string {
		if pairs {
			return filepath.Join(dir, part+".tsv")
		}
		return filepath.Join(dir, part+".txt")
	}
	s.Data.Train, s.Data.Valid, s.Run.Dir = []string{name("train")}, []string{name("valid")}, filepath.Join(dir, "run")
	if s.Mask.Control == mask.ControlYoked {
		s.Mask.YokedTo = filepath.Join(dir, "yoke")
	}
}
