package config

import (
	"dmtrain/internal/data"
	"dmtrain/internal/mask"
)

// Config is the configuration of a run. The YAML file has the order of its fields.
type Config struct {
	Task      string      `mapstructure:"task"`      // lm | seq2seq
	Device    string      `mapstructure:"device"`    // auto | cpu | cuda | cuda:N
	Precision string      `mapstructure:"precision"` // fp32 | bf16 (activations on CUDA; master weights stay fp32)
	Run       Run         `mapstructure:"run"`
	Data      data.Config `mapstructure:"data"`
	Model     Model       `mapstructure:"model"`
	Mask      mask.Config `mapstructure:"mask"`
	Train     Train       `mapstructure:"train"`
	Bench     Bench       `mapstructure:"bench"`
	Log       Log         `mapstructure:"log"`
}

// Values of precision.
const (
	FP32 = "fp32"
	BF16 = "bf16"
)

// Run is the directory and the seed of a run.
type Run struct {
	Dir  string `mapstructure:"dir"`
	Seed uint64 `mapstructure:"seed"`
}

// Model is the shape of the Transformer. Its context is data.seq_len, its vocabulary the tokenizer's.
type Model struct {
	Layers        int  `mapstructure:"layers"`
	Heads         int  `mapstructure:"heads"`
	Dim           int  `mapstructure:"dim"`            // width C, a multiple of heads
	CausalEncoder bool `mapstructure:"causal_encoder"` // task seq2seq: no source position sees a later one
	// Dropout is the rate at embeddings, attention and residual branches, as in GPT-2.
	Dropout float64 `mapstructure:"dropout"`
}

// Train configures AdamW, its schedule, and how often to evaluate and save, in optimiser steps.
type Train struct {
	Steps      int     `mapstructure:"steps"`
	BatchSize  int     `mapstructure:"batch_size"`  // rows a step
	MicroBatch int     `mapstructure:"micro_batch"` // rows a pass; 0 = all
	LR         float64 `mapstructure:"lr"`          // the peak, reached after warmup
	MinLR      float64 `mapstructure:"min_lr"`      // the schedule's last value
	Schedule   string  `mapstructure:"schedule"`    // cosine | linear | constant | inverse_sqrt | wsd
	Warmup     int     `mapstructure:"warmup"`
	// DecaySteps is the number of last steps in which schedule wsd lowers lr to min_lr; 0 = a fifth of all.
	DecaySteps  int        `mapstructure:"decay_steps"`
	WeightDecay float64    `mapstructure:"weight_decay"` // on matrices only
	Betas       [2]float64 `mapstructure:"betas"`
	GradClip    float64    `mapstructure:"grad_clip"` // largest global gradient norm; 0 = never clip
	// EMA is the decay of the parameters' moving average, which then is evaluated and used; 0 = none.
	EMA       float64 `mapstructure:"ema"`
	EvalEvery int     `mapstructure:"eval_every"` // 0 = only at the start and the end
	// EvalBatches is the number of batches in an evaluation; 0 = the whole validation text.
	EvalBatches int `mapstructure:"eval_batches"`
	SaveEvery   int `mapstructure:"save_every"` // 0 = only at the end
	Keep        int `mapstructure:"keep"`       // newest checkpoints kept beside the best one
	// Metric chooses the best checkpoint: loss | exact | bleu | rouge, the last three for task seq2seq.
	Metric         string  `mapstructure:"metric"`
	LabelSmoothing float64 `mapstructure:"label_smoothing"` // task seq2seq
	// Patience is the number of evaluations without improvement before stopping; 0 = never stop.
	Patience int `mapstructure:"patience"`
}

// Bench configures "dmtrain bench", which needs no text.
type Bench struct {
	Vocab int `mapstructure:"vocab"` // vocabulary size of the random text; 0 = the tokenizer's
}

// Log configures what is printed during training.
type Log struct {
	Every int `mapstructure:"every"` // steps between lines where the output is no terminal
}

// Default is a small model that learns on a CPU in minutes. It lacks only the text, data.train.
func Default() Config {
	return Config{
		Task:      "lm",
		Device:    "auto",
		Precision: FP32,
		Run:       Run{Dir: "runs/default", Seed: 1},
		Data:      data.DefaultConfig(),
		Model:     Model{Layers: 4, Heads: 4, Dim: 128},
		Mask:      mask.DefaultConfig(),
		Train: Train{
			Steps:       1000,
			BatchSize:   16,
			LR:          1e-3,
			MinLR:       1e-4,
			Schedule:    "cosine",
			Warmup:      100,
			WeightDecay: 0.1,
			Betas:       [2]float64{0.9, 0.95},
			GradClip:    1,
			EvalEvery:   100,
			SaveEvery:   100,
			Keep:        3,
			Metric:      "loss",
		},
		Log: Log{Every: 10},
	}
}

// Pass is the number of rows in a pass: MicroBatch, or the whole batch.
func (t Train) Pass() int {
	if t.MicroBatch == 0 {
		return t.BatchSize
	}
	return t.MicroBatch
}

// Decay is the number of last steps in which schedule wsd lowers the learning rate.
func (t Train) Decay() int {
	if t.DecaySteps == 0 {
		return max(t.Steps/5, 1)
	}
	return t.DecaySteps
}
