package train

import (
	"fmt"

	"dmtrain/internal/config"
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
		LearnedFill: c.Mask.Form != mask.FormNone && c.Mask.Fill == mask.FillLearned}
}

// maskRun is what masks have to know of a run.
func maskRun(c config.Config, vocab int, unigram float64, yoke *mask.Yoke) mask.Run {
	return mask.Run{SeqLen: c.Data.SeqLen, Steps: c.Train.Steps, Warmup: c.Train.Warmup, Vocab: vocab, Entropy: unigram, Yoke: yoke}
}

// newStepper builds what a step needs, parameters freshly drawn.
func newStepper(be kernels.Backend, c config.Config, run mask.Run, fill func(*mask.Rows, int)) (*stepper, error) {
	planner, err := mask.NewPlanner(c.Mask, c.Run.Seed, run)
	if err != nil {
		return nil, err
	}
	control, err := mask.NewController(c.Mask, run)
	if err != nil {
		return nil, err
	}
	m, err := model.NewDecoder(be, modelConfig(c, run.Vocab), true)
	if err != nil {
		return nil, err
	}
	m.Init(c.Run.Seed)
	info := be.Info()
	s := &stepper{seed: c.Run.Seed, certify: c.Mask.Certify, measure: c.Mask.Form != mask.FormNone, tileQ: info.TileQ, tileS: info.TileS, be: be, model: m, planner: planner, control: control, fill: fill,
		stats: control.NewStats(), schedule: schedule(c.Train)}
	return s, s.build(c)
}

// build records the passes and makes the optimiser.
func (s *stepper) build(c config.Config) (err error) {
	rows := c.Train.Pass()
	o := model.PassOptions{B: rows, T: c.Data.SeqLen, Train: true, Hide: c.Mask.Form != mask.FormNone, Second: s.planner.Tagged(),
		Dropout: float32(c.Model.Dropout), EdgeDrop: float32(c.Mask.EdgeDrop)}
	if s.pass, err = s.model.NewPass(o); err != nil {
		return fmt.Errorf("train.batch_size: %d rows a pass: %w (train.micro_batch makes passes smaller)", rows, err)
	}
	if c.Mask.Control == mask.ControlTwoPass {
		if s.first, err = newFirstPass(s.be, s.model, o); err != nil {
			return err
		}
	}
	if err := s.layRows(c); err != nil {
		return err
	}
	s.out = newOutputs(rows * c.Data.SeqLen)
	s.opt, err = optim.NewAdamW(s.be, s.model.Params, optim.Options{Beta1: float32(c.Train.Betas[0]), Beta2: float32(c.Train.Betas[1]),
		Eps: adamEps, WeightDecay: float32(c.Train.WeightDecay), Clip: c.Train.GradClip})
	return err
}

// What a step keeps on the host of its text and masks: mask.Rows has four integers a token, mask.Plan up to eleven and a draw.
const (
	tokenBytes = 15*4 + 1
	microBytes = 1024 // and a micro-batch as such, roughly
)

// layRows makes room for the text and the masks of all micro-batches: a step plans them before it computes any.
func (s *stepper) layRows(c config.Config) error {
	rows, all := c.Train.Pass(), c.Train.BatchSize
	need := uint64(all)*uint64(c.Data.SeqLen)*tokenBytes + uint64(all/rows)*microBytes
	if free, known := hostMemory(); known && need > free {
		return fmt.Errorf("train.batch_size: the text and masks of %d rows of %d tokens need %d MiB, and %d MiB are free", all, c.Data.SeqLen, need>>20, free>>20)
	}
	s.micro = make([]micro, 0, all/rows)
	for first := 0; first < all; first += rows {
		m := micro{rows: mask.NewRows(rows, c.Data.SeqLen)}
		m.rows.First = first
		s.micro = append(s.micro, m)
	}
	return nil
}

func schedule(t config.Train) optim.Schedule {
	return optim.Schedule{Kind: t.Schedule, Peak: t.LR, Floor: t.MinLR, Warmup: t.Warmup, Steps: t.Steps, Decay: t.Decay()}
}
