package train

import (
	"dmtrain/internal/config"
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/task"
)

// trialSteps are enough for masks to open and for losses to depend on every operation and its gradient.
const trialSteps = 5

// TrialLosses takes the first steps of a small model on random tokens, with everything that can be drawn: slots, an
// adaptive mask whose every plan is certified, dropout and dropped edges, in two micro-batches. The losses say
// whether a backend can train.
func TrialLosses(be kernels.Backend, k task.Task) ([]float64, error) {
	c := config.Default()
	c.Task = k.Name()
	c.Data.SeqLen = 24
	c.Model = config.Model{
		Layers:  2,
		Heads:   2,
		Dim:     16,
		Dropout: 0.1,
	}
	c.Mask.Form, c.Mask.Control, c.Mask.EdgeDrop, c.Mask.Certify = mask.FormInfill, mask.ControlAdaptive, 0.1, true
	c.Mask.MinTokens, c.Mask.Warmup = 1, 1
	c.Train.Steps, c.Train.Warmup, c.Train.LR = 20, 1, 1e-2
	c.Train.BatchSize, c.Train.MicroBatch = 4, 2
	c.Data.Pairs.BatchTokens = 8 * c.Data.SeqLen
	c.Bench.Vocab = 20
	s, err := benchStepper(be, c, k)
	if err != nil {
		return nil, err
	}
	var losses []float64
	for step := range trialSteps {
		r, err := s.step(step)
		if err != nil {
			return nil, err
		}
		losses = append(losses, r.Loss)
	}
	return losses, nil
}
