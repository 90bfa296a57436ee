package config

import (
	"fmt"
	"math"
	"regexp"
	"strings"
)

// Limits keep absurd sizes from ending in a failed allocation: counters and token indices are 32-bit.
const (
	maxCount  = 1<<31 - 1
	maxLayers = 4095 // rng.Purpose.At
	maxDim    = 1 << 16
)

// Validate looks at the configuration as a whole, before any work starts. Its error is an [*Invalid] with every
// problem; nothing is read from disk.
func (c Config) Validate() error { return invalid(c.Problems()) }

// Problems are what [Config.Validate] complains about.
func (c Config) Problems() []Problem {
	var l list
	c.top(&l)
	c.task(&l)
	c.Model.check(&l)
	l.parse(c.Mask.Problems())
	c.Train.check(&l)
	c.between(&l)
	l.need(c.Bench.Vocab >= 0 && c.Bench.Vocab <= maxCount, "bench.vocab", "%d is not a number of tokens (0 = as many as the tokenizer has)", c.Bench.Vocab)
	l.need(c.Log.Every >= 1, "log.every", "%d steps is not an interval (1 or more)", c.Log.Every)
	return l.problems
}

// IsDevice says whether a device can be called so.
func IsDevice(name string) bool { return device.MatchString(name) }

var device = regexp.MustCompile(`^(auto|cpu|cuda|cuda:\d{1,3})$`)

func (c Config) top(l *list) {
	l.oneOf("task", c.Task, TaskLM, TaskPairs)
	l.need(IsDevice(c.Device), "device", "%q is not a device (auto, cpu, cuda, cuda:N)", c.Device)
	l.oneOf("precision", c.Precision, FP32, BF16)
	l.need(c.Precision != BF16 || c.Device != "cpu", "precision", "bf16 needs a CUDA device; on the CPU it is fp32")
	l.need(strings.TrimSpace(c.Run.Dir) != "", "run.dir", "is empty: name a directory to keep the run in")
}

func (m Model) check(l *list) {
	l.within("model.layers", m.Layers, 1, maxLayers)
	l.within("model.heads", m.Heads, 1, maxLayers)
	l.within("model.dim", m.Dim, 1, maxDim)
	l.need(m.Heads < 1 || m.Dim%m.Heads == 0, "model.heads", "%d do not divide model.dim, %d", m.Heads, m.Dim)
	l.need(m.Dropout >= 0 && m.Dropout < 1, "model.dropout", "%v is not a rate of dropping (0 up to, not including, 1)", m.Dropout)
}

func (t Train) check(l *list) {
	l.within("train.steps", t.Steps, 1, maxCount)
	l.within("train.batch_size", t.BatchSize, 1, maxCount)
	l.within("train.micro_batch", t.MicroBatch, 0, maxCount)
	t.checkSchedule(l)
	l.need(t.WeightDecay >= 0 && finite(t.WeightDecay), "train.weight_decay", "%v is not a decay (0 or more)", t.WeightDecay)
	for _, beta := range t.Betas {
		l.need(beta >= 0 && beta < 1, "train.betas", "%v is not a decay rate (0 up to, not including, 1)", beta)
	}
	l.need(t.GradClip >= 0 && finite(t.GradClip), "train.grad_clip", "%v is not a norm (above 0; 0 = never clip)", t.GradClip)
	l.need(t.EMA >= 0 && t.EMA < 1, "train.ema", "%v is not a decay (0 up to, not including, 1; 0 = no average)", t.EMA)
	l.within("train.eval_every", t.EvalEvery, 0, maxCount)
	l.within("train.eval_batches", t.EvalBatches, 0, maxCount)
	l.within("train.save_every", t.SaveEvery, 0, maxCount)
	l.within("train.keep", t.Keep, 1, maxCount)
	l.within("train.patience", t.Patience, 0, maxCount)
	l.need(t.Patience <= 0 || t.EvalEvery != 0, "train.patience", "counts evaluations, but train.eval_every is 0")
}

// Schedules are the values of train.schedule.
func Schedules() []string { return []string{"cosine", "linear", "constant", "inverse_sqrt", "wsd"} }

func (t Train) checkSchedule(l *list) {
	l.need(t.LR > 0 && finite(t.LR), "train.lr", "%v is not a learning rate (above 0)", t.LR)
	l.need(t.MinLR >= 0 && finite(t.MinLR), "train.min_lr", "%v is not a learning rate (0 or more)", t.MinLR)
	l.need(!(t.LR > 0 && t.MinLR > t.LR), "train.min_lr", "%v is above train.lr, %v", t.MinLR, t.LR)
	l.oneOf("train.schedule", t.Schedule, Schedules()...)
	l.within("train.warmup", t.Warmup, 0, maxCount)
	l.within("train.decay_steps", t.DecaySteps, 0, maxCount)
	l.need(t.Schedule != "wsd" || t.DecaySteps <= t.Steps, "train.decay_steps", "%d is more than train.steps, %d", t.DecaySteps, t.Steps)
}

// between holds what no section can see alone.
func (c Config) between(l *list) {
	t := c.Train
	l.need(c.Task == TaskPairs || t.MicroBatch < 1 || t.BatchSize%t.MicroBatch == 0, "train.micro_batch",
		"%d rows a pass do not divide train.batch_size, %d (0 = all in one pass)", t.MicroBatch, t.BatchSize)
	tokens := float64(c.Train.BatchSize) * float64(c.Data.SeqLen)
	l.need(tokens <= maxCount, "train.batch_size", "%d rows of data.seq_len %d are %.0f tokens a step, more than the %d a step can count",
		c.Train.BatchSize, c.Data.SeqLen, tokens, maxCount)
}

// TaskLM is the task of continuing a text.
const TaskLM = "lm"

// TaskPairs is the task of translating: pairs of a source and a target.
const TaskPairs = "seq2seq"

// task holds what depends on the task.
func (c Config) task(l *list) {
	l.oneOf("train.metric", c.Train.Metric, "loss", "exact", "bleu", "rouge")
	l.need(c.Train.LabelSmoothing >= 0 && c.Train.LabelSmoothing < 1, "train.label_smoothing", "%v is not a share (0 up to, not including, 1)", c.Train.LabelSmoothing)
	if c.Task == TaskPairs {
		l.parse(c.Data.PairProblems())
		l.need(c.Model.Dim%2 == 0, "model.dim", "%d is odd, but sinusoidal positions come in pairs", c.Model.Dim)
		l.need(c.Mask.Structure == "causal" || c.Mask.Structure == "window" || c.Mask.Structure == "lookahead", "mask.structure", "task seq2seq has causal and window (and lookahead, to see it refused)")
		l.need(c.Mask.Cross != "wait_k" || c.Model.CausalEncoder, "mask.cross", "wait_k needs model.causal_encoder: true, or every source position would have seen all others")
		return
	}
	l.parse(c.Data.Problems())
	l.need(c.Mask.Buckets == 1 || c.Mask.Form == "none" || c.Mask.Structure != "window", "mask.buckets",
		"%d ranges of positions move apart what positions of a document see by how far they are from its start, but under structure window they don't see the start, and would learn of it that way; use 1, or structure sinks, which shows it", c.Mask.Buckets)
	l.need(c.Mask.Cross == "full", "mask.cross", "is for task seq2seq")
	l.need(c.Mask.SourceProb == 0, "mask.source_prob", "is for task seq2seq")
	l.need(!c.Model.CausalEncoder, "model.causal_encoder", "is for task seq2seq")
	l.need(c.Train.Metric == "loss", "train.metric", "%s is for task seq2seq", c.Train.Metric)
	l.need(c.Train.LabelSmoothing == 0, "train.label_smoothing", "is for task seq2seq")
}

// list gathers problems.
type list struct{ problems []Problem }

func (l *list) need(ok bool, key, format string, args ...any) {
	if !ok {
		l.problems = append(l.problems, Problem{Key: key, Text: fmt.Sprintf(format, args...)})
	}
}

func (l *list) within(key string, n, low, high int) {
	l.need(n >= low && n <= high, key, "%d is not within %d … %d", n, low, high)
}

func (l *list) oneOf(key, value string, choices ...string) {
	for _, c := range choices {
		if value == c {
			return
		}
	}
	l.need(false, key, "%q is none of %s", value, strings.Join(choices, ", "))
}

// parse takes the problems of sections that other packages own: "key: text".
func (l *list) parse(problems []string) {
	for _, p := range problems {
		key, text, _ := strings.Cut(p, ": ")
		l.problems = append(l.problems, Problem{Key: key, Text: text})
	}
}

func finite(x float64) bool { return !math.IsInf(x, 0) && !math.IsNaN(x) }
