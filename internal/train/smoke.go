package train

import (
	"dmtrain/internal/config"
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/task"
)

// smokeSteps are enough for masks to open and for losses to depend on every operation and its gradient.
const smokeSteps = 5

// SmokeLosses takes the first steps of a small model on random tokens and returns their losses, in nats. The steps use
// slots, an adaptive certified mask, dropout and edge drop, in two micro-batches, so that comparing losses with another
// backend's tests whether a backend can train.
func SmokeLosses(be kernels.Backend, k task.Task) ([]float64, error) {
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
	for step := range smokeSteps {
		r, err := s.step(step)
		if err != nil {
			return nil, err
		}
		losses = append(losses, r.Loss)
	}
	return losses, nil
}
