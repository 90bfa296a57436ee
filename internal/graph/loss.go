package graph

import (
	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// TokenStats are what the loss says of every token, each (B·T); all kept.
type TokenStats struct {
	NLL, Conf, Entropy, Margin *Value
	Argmax                     *Value // int32
}

// CrossEntropy reads the logits of so many classes, in the first columns of logits, against targets (int32, −1
// bears no loss). In training, scale (1) multiplies the gradient, which takes the logits' memory. Label smoothing
// changes the gradient alone: what the loss says of the tokens is said of their targets.
func (g *Graph) CrossEntropy(logits, targets, scale *Value, classes int, smoothing float32) TokenStats {
	n := logits.Shape.Rows()
	out := func(t tensor.DType) *Value { return g.value(t, n).Keep() }
	s := TokenStats{
		NLL:     out(tensor.Float32),
		Conf:    out(tensor.Float32),
		Entropy: out(tensor.Float32),
		Margin:  out(tensor.Float32),
		Argmax:  out(tensor.Int32),
	}
	if g.train && logits.keep {
		panic("graph: training overwrites the logits, so they can't be kept")
	}
	g.record(&crossEntropy{logits, targets, scale, classes, s, g.train, smoothing},
		[]*Value{logits, targets, scale}, []*Value{s.NLL, s.Conf, s.Entropy, s.Margin, s.Argmax})
	return s
}

type crossEntropy struct {
	logits, targets, scale *Value
	classes                int
	stats                  TokenStats
	train                  bool
	smoothing              float32
}

func (o *crossEntropy) forward(be kernels.Backend) {
	call := kernels.CrossEntropy{
		Logits:  o.logits.buf(),
		Targets: o.targets.buf(),
		N:       o.logits.Shape.Rows(),
		V:       o.classes,
		Pad:     o.logits.Shape.Cols() - o.classes,
		NLL:     o.stats.NLL.buf(),
		Conf:    o.stats.Conf.buf(),
		Entropy: o.stats.Entropy.buf(),
		Margin:  o.stats.Margin.buf(),
		Argmax:  o.stats.Argmax.buf(),
	}
	if o.train {
		call.DLogits, call.Scale, call.Smoothing = o.logits.buf(), o.scale.buf(), o.smoothing
	}
	be.CrossEntropy(call)
}

func (o *crossEntropy) differentiate(r *reverse) {
	o.logits.grad = o.logits.cell
	o.logits.grad.touch(r.time)
}

func (o *crossEntropy) backward(kernels.Backend) {} // forward did it, in the one pass over the vocabulary
