package train

import (
	"dmtrain/internal/batch"
	"dmtrain/internal/config"
	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/model"
	"dmtrain/internal/optim"
)

// adamEps is AdamW's ε, PyTorch's default.
const adamEps = 1e-8

// modelConfig is the shape a configuration asks for, for a tokenizer of the given vocabulary.
func modelConfig(c config.Config, vocab int) model.Config {
	return model.Config{Vocab: vocab, Context: c.Data.SeqLen, Layers: c.Model.Layers, Heads: c.Model.Heads, Dim: c.Model.Dim,
		LearnedFill: (c.Mask.Form != mask.FormNone || c.Mask.SourceProb > 0) && c.Mask.Fill == mask.FillLearned, Precision: precision(c)}
}

// maskRun is what masks have to know of a run.
func maskRun(c config.Config, vocab int, end int32, unigram float64, yoke *mask.Yoke) mask.Run {
	return mask.Run{
		SeqLen:        c.Data.SeqLen,
		Steps:         c.Train.Steps,
		Warmup:        c.Train.Warmup,
		Vocab:         vocab,
		End:           end,
		Entropy:       unigram,
		Yoke:          yoke,
		CausalEncoder: c.Model.CausalEncoder,
	}
}

// newStepper builds what a step of task lm needs, parameters freshly drawn.
func newStepper(be kernels.Backend, c config.Config, run mask.Run, fill func(*batch.Batch, int)) (*stepper, error) {
	s, err := newMasks(be, c, run)
	if err != nil {
		return nil, err
	}
	m, err := model.NewDecoder(be, modelConfig(c, run.Vocab), true)
	if err != nil {
		return nil, err
	}
	m.Init(c.Run.Seed)
	if s.text, err = newRowText(be, c, m, s.planner.Tagged(), fill); err != nil {
		return nil, err
	}
	return s, s.optimise(c, m.Params)
}

// newMasks builds what a step of any task needs before it has a model.
func newMasks(be kernels.Backend, c config.Config, run mask.Run) (*stepper, error) {
	planner, err := mask.NewPlanner(c.Mask, c.Run.Seed, run)
	if err != nil {
		return nil, err
	}
	control, err := mask.NewController(c.Mask, run)
	if err != nil {
		return nil, err
	}
	info := be.Info()
	return &stepper{seed: c.Run.Seed, certify: c.Mask.Certify, measure: c.Mask.Form != mask.FormNone, tileQ: info.TileQ, tileS: info.TileS,
		be: be, planner: planner, control: control, stats: control.NewStats(), schedule: schedule(c.Train),
		stop: func() error { return nil }}, nil
}

// optimise makes the optimiser and, where asked for, the average.
func (s *stepper) optimise(c config.Config, params *graph.Params) (err error) {
	s.params = params
	s.opt, err = optim.NewAdamW(s.be, params, optim.Options{Beta1: float32(c.Train.Betas[0]), Beta2: float32(c.Train.Betas[1]),
		Eps: adamEps, WeightDecay: float32(c.Train.WeightDecay), Clip: c.Train.GradClip})
	if err == nil && c.Train.EMA > 0 {
		s.average, err = optim.NewAverage(s.be, params, c.Train.EMA)
	}
	return err
}

func schedule(t config.Train) optim.Schedule {
	return optim.Schedule{Kind: t.Schedule, Peak: t.LR, Floor: t.MinLR, Warmup: t.Warmup, Steps: t.Steps, Decay: t.Decay()}
}
