package config

import (
	"math"
	"regexp"
	"strings"
)

// Limits refuse absurd sizes before an allocation fails; counters and token indices are 32-bit.
const (
	maxCount  = 1<<31 - 1
	maxLayers = 4095 // rng.Purpose.At
	maxDim    = 1 << 16
)

// Problems are the problems of the configuration as a whole, found without reading files. Tasks report their own.
func (c Config) Problems() []Problem {
	var l Complaints
	c.top(&l)
	c.Model.check(&l)
	l.Parse(c.Mask.Problems())
	c.Train.check(&l)
	c.between(&l)
	l.Need(c.Bench.Vocab >= 0 && c.Bench.Vocab <= maxCount, "bench.vocab",
		"%d is not a number of tokens (0 = as many as the tokenizer has)", c.Bench.Vocab)
	l.Need(c.Log.Every >= 1, "log.every", "%d steps is not an interval (1 or more)", c.Log.Every)
	return l
}

// IsDevice says whether name is auto, cpu, cuda or cuda:N.
func IsDevice(name string) bool { return device.MatchString(name) }

var device = regexp.MustCompile(`^(auto|cpu|cuda|cuda:(0|[1-9]\d{0,2}))$`)

func (c Config) top(l *Complaints) {
	l.Need(IsDevice(c.Device), "device", "%q is not a device (auto, cpu, cuda, cuda:N)", c.Device)
	l.oneOf("precision", c.Precision, FP32, BF16)
	l.Need(c.Precision != BF16 || c.Device != "cpu", "precision", "bf16 needs a CUDA device; on the CPU it is fp32")
	l.Need(strings.TrimSpace(c.Run.Dir) != "", "run.dir", "is empty: name a directory to keep the run in")
}

func (m Model) check(l *Complaints) {
	l.within("model.layers", m.Layers, 1, maxLayers)
	l.within("model.heads", m.Heads, 1, maxLayers)
	l.within("model.dim", m.Dim, 1, maxDim)
	l.Need(m.Heads < 1 || m.Dim%m.Heads == 0, "model.heads", "%d do not divide model.dim, %d", m.Heads, m.Dim)
	l.Need(m.Dropout >= 0 && m.Dropout < 1, "model.dropout", "%v is not a rate of dropping (0 up to, not including, 1)",
		m.Dropout)
}

func (t Train) check(l *Complaints) {
	l.within("train.steps", t.Steps, 1, maxCount)
	l.within("train.batch_size", t.BatchSize, 1, maxCount)
	l.within("train.micro_batch", t.MicroBatch, 0, maxCount)
	t.checkSchedule(l)
	l.Need(t.WeightDecay >= 0 && finite(t.WeightDecay), "train.weight_decay", "%v is not a decay (0 or more)",
		t.WeightDecay)
	for _, beta := range t.Betas {
		l.Need(beta >= 0 && beta < 1, "train.betas", "%v is not a decay rate (0 up to, not including, 1)", beta)
	}
	l.Need(t.GradClip >= 0 && finite(t.GradClip), "train.grad_clip", "%v is not a norm (above 0; 0 = never clip)",
		t.GradClip)
	l.Need(t.EMA >= 0 && t.EMA < 1, "train.ema", "%v is not a decay (0 up to, not including, 1; 0 = no average)", t.EMA)
	l.within("train.eval_every", t.EvalEvery, 0, maxCount)
	l.within("train.eval_batches", t.EvalBatches, 0, maxCount)
	l.within("train.save_every", t.SaveEvery, 0, maxCount)
	l.within("train.keep", t.Keep, 1, maxCount)
	l.within("train.patience", t.Patience, 0, maxCount)
	l.oneOf("train.metric", t.Metric, "loss", "exact", "bleu", "rouge")
	l.Need(t.LabelSmoothing >= 0 && t.LabelSmoothing < 1, "train.label_smoothing",
		"%v is not a share (0 up to, not including, 1)", t.LabelSmoothing)
	l.Need(t.Patience <= 0 || t.EvalEvery != 0, "train.patience", "counts evaluations, but train.eval_every is 0")
}

// Schedules are the values of train.schedule.
func Schedules() []string { return []string{"cosine", "linear", "constant", "inverse_sqrt", "wsd"} }

func (t Train) checkSchedule(l *Complaints) {
	l.Need(t.LR > 0 && finite(t.LR), "train.lr", "%v is not a learning rate (above 0)", t.LR)
	l.Need(t.MinLR >= 0 && finite(t.MinLR), "train.min_lr", "%v is not a learning rate (0 or more)", t.MinLR)
	l.Need(!(t.LR > 0 && t.MinLR > t.LR), "train.min_lr", "%v is above train.lr, %v", t.MinLR, t.LR)
	l.oneOf("train.schedule", t.Schedule, Schedules()...)
	l.within("train.warmup", t.Warmup, 0, maxCount)
	l.within("train.decay_steps", t.DecaySteps, 0, maxCount)
	l.Need(t.Schedule != "wsd" || t.DecaySteps <= t.Steps, "train.decay_steps", "%d is more than train.steps, %d",
		t.DecaySteps, t.Steps)
}

// between checks settings of several sections against each other.
func (c Config) between(l *Complaints) {
	tokens := float64(c.Train.BatchSize) * float64(c.Data.SeqLen)
	l.Need(tokens <= maxCount, "train.batch_size",
		"%d rows of data.seq_len %d are %.0f tokens a step, more than the %d a step can count",
		c.Train.BatchSize, c.Data.SeqLen, tokens, maxCount)
}

func (l *Complaints) within(key string, n, low, high int) {
	l.Need(n >= low && n <= high, key, "%d is not within %d … %d", n, low, high)
}

func (l *Complaints) oneOf(key, value string, choices ...string) {
	for _, c := range choices {
		if value == c {
			return
		}
	}
	l.Need(false, key, "%q is none of %s", value, strings.Join(choices, ", "))
}

func finite(x float64) bool { return !math.IsInf(x, 0) && !math.IsNaN(x) }
