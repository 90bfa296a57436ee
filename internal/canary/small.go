package canary

import (
	"math"
	"path/filepath"

	"dmtrain/internal/config"
	"dmtrain/internal/mask"
)

// The model and the rows that the canary trains: small, so that a step takes milliseconds.
const (
	mostLayers = 2
	heads      = 4
	dim        = 32
	mostSeqLen = 32
	batchRows  = 32
	pairTokens = 1024 // a step of task seq2seq
	minTokens  = 16
)

// small is the configuration with its masks as they are, and all else cut down. Lengths of masks shrink with the
// rows, by the factor that comes with it.
func small(c config.Config) (config.Config, float64) {
	d := config.Default()
	s := c
	s.Precision = config.FP32
	s.Model = config.Model{
		Layers:        min(c.Model.Layers, mostLayers),
		Heads:         heads,
		Dim:           dim,
		CausalEncoder: c.Model.CausalEncoder,
	}
	s.Data.SeqLen = min(c.Data.SeqLen, mostSeqLen)
	factor := float64(s.Data.SeqLen) / float64(c.Data.SeqLen)
	shrink := func(n int) int {
		if n == 0 {
			return 0
		}
		return max(1, int(math.Round(float64(n)*factor)))
	}
	s.Mask.Window, s.Mask.MaxWindow, s.Mask.WaitMore = shrink(c.Mask.Window), shrink(c.Mask.MaxWindow),
		shrink(c.Mask.WaitMore)
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

// Reliability of random text, within which a moving mask goes from closed to open.
const (
	lowReliability  = 0.02
	highReliability = 0.2
)

// compress makes the masks go in so many steps all the way that they go in the configured run's.
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

// paths puts the text and the run into a directory.
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
