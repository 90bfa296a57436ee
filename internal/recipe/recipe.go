// Package recipe turns a configuration into a device, a model's shape, the facts that masks need of a run, and an
// optimiser, for all that train, check or measure.
package recipe

import (
	"errors"
	"fmt"
	"path/filepath"

	"dmtrain/internal/backend"
	"dmtrain/internal/checkpoint"
	"dmtrain/internal/config"
	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/metrics"
	"dmtrain/internal/model"
	"dmtrain/internal/optim"
	"dmtrain/internal/tensor"
)

// Text is what masks need to know of the training text.
type Text struct {
	Vocab   int     // number of token ids
	End     int32   // the token that ends a document; −1: none does
	Entropy float64 // of the distribution of predicted tokens, nats
}

// MaskRun is what masks need to know of a run. yoke is nil unless the control is yoked.
func MaskRun(c config.Config, t Text, yoke *mask.Yoke) mask.Run {
	return mask.Run{
		SeqLen:        c.Data.SeqLen,
		Steps:         c.Train.Steps,
		Warmup:        c.Train.Warmup,
		Vocab:         t.Vocab,
		End:           t.End,
		Entropy:       t.Entropy,
		Yoke:          yoke,
		CausalEncoder: c.Model.CausalEncoder,
	}
}

// Yoke reads the openness that control yoked replays; nil for any other control.
func Yoke(c mask.Config) (*mask.Yoke, error) {
	if c.Control != mask.ControlYoked {
		return nil, nil
	}
	y := &mask.Yoke{}
	path := filepath.Join(c.YokedTo, checkpoint.MetricsFile)
	for r, err := range metrics.ReadFile(path) {
		if err == nil && r.Step != nil && r.Step.Mask != nil {
			err = y.Append(r.Step.Step-1, r.Step.Mask.Openness) // records count steps from 1
		}
		if err != nil {
			return nil, fmt.Errorf("mask.yoked_to: %w", err)
		}
	}
	return y, nil
}

// Model is the configured shape of a model with vocab token ids.
func Model(c config.Config, vocab int) model.Config {
	return model.Config{
		Vocab:         vocab,
		Context:       c.Data.SeqLen,
		Layers:        c.Model.Layers,
		Heads:         c.Model.Heads,
		Dim:           c.Model.Dim,
		LearnedFill:   (c.Mask.Hides() || c.Mask.SourceProb > 0) && c.Mask.Fill == mask.FillLearned,
		CausalEncoder: c.Model.CausalEncoder,
		Precision:     Precision(c),
	}
}

// Precision is the element type that passes compute in.
func Precision(c config.Config) tensor.DType {
	if c.Precision == config.BF16 {
		return tensor.BFloat16
	}
	return tensor.Float32
}

// Device opens the configured device, and refuses one that lacks the configured precision. threads is the number of
// CPU threads; 0 = all.
func Device(c config.Config, threads int) (kernels.Backend, error) {
	be, err := backend.OpenThreads(c.Device, threads)
	if err != nil {
		return nil, err
	}
	if err := CheckPrecision(be, c); err != nil {
		return nil, errors.Join(err, be.Close())
	}
	return be, nil
}

// CheckPrecision returns an error if a device lacks the configured precision.
func CheckPrecision(be kernels.Backend, c config.Config) error {
	info := be.Info()
	if Precision(c) != tensor.BFloat16 || info.BFloat16 {
		return nil
	}
	why := ""
	if info.NoGPU != "" {
		why = " (" + info.NoGPU + ")"
	}
	return fmt.Errorf("precision: bf16 needs a CUDA device, but device: %s is %s here%s; precision: fp32 works on both",
		c.Device, info.Name, why)
}

// adamEps is AdamW's ε, PyTorch's default.
const adamEps = 1e-8

// AdamW makes the configured optimiser.
func AdamW(be kernels.Backend, c config.Train, params *graph.Params) (*optim.AdamW, error) {
	return optim.NewAdamW(be, params, optim.Options{
		Beta1:       float32(c.Betas[0]),
		Beta2:       float32(c.Betas[1]),
		Eps:         adamEps,
		WeightDecay: float32(c.WeightDecay),
		Clip:        c.GradClip,
	})
}

// Schedule is the configured learning-rate schedule.
func Schedule(t config.Train) optim.Schedule {
	return optim.Schedule{
		Kind:   t.Schedule,
		Peak:   t.LR,
		Floor:  t.MinLR,
		Warmup: t.Warmup,
		Steps:  t.Steps,
		Decay:  t.Decay(),
	}
}
