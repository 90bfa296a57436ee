package train

import (
	"dmtrain/internal/batch"
	"dmtrain/internal/config"
	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/model"
	"dmtrain/internal/optim"
	"dmtrain/internal/recipe"
	"dmtrain/internal/tokenizer"
)

// newStepper builds what a step of task lm needs, parameters freshly drawn.
func newStepper(be kernels.Backend, c config.Config, run mask.Run, fill func(*batch.Batch, int)) (*stepper, error) {
	s, err := newMasks(be, c, run)
	if err != nil {
		return nil, err
	}
	m, err := model.New(be, recipe.Model(c, run.Vocab), true)
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
		be: be, planner: planner, control: control, stats: control.NewStats(), schedule: recipe.Schedule(c.Train),
		stop: func() error { return nil }}, nil
}

// optimise makes the optimiser and, where asked for, the average.
func (s *stepper) optimise(c config.Config, params *graph.Params) (err error) {
	s.params = params
	s.opt, err = recipe.AdamW(s.be, c.Train, params)
	if err == nil && c.Train.EMA > 0 {
		s.average, err = optim.NewAverage(s.be, params, c.Train.EMA)
	}
	return err
}

func textOf(t tokenizer.Tokenizer, entropy float64) recipe.Text {
	return recipe.Text{Vocab: t.Vocab(), End: t.Specials().End, Entropy: entropy}
}
