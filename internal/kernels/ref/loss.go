package ref

import (
	"math"

	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// CrossEntropy implements kernels.Loss.
func (r *Backend) CrossEntropy(p kernels.CrossEntropy) {
	stride := p.V + p.Pad
	logits, targets := widen(p.Logits, p.N*stride, "Logits"), int32s(p.Targets, p.N, "Targets")
	for _, out := range []struct {
		buf  kernels.Buffer
		name string
	}{{p.NLL, "NLL"}, {p.Conf, "Conf"}, {p.Entropy, "Entropy"}, {p.Margin, "Margin"}} {
		if out.buf != nil {
			typed(out.buf, tensor.Float32, p.N, out.name)
		}
	}
	scale := 0.0
	if p.DLogits != nil {
		floating(p.DLogits, p.N*stride, "DLogits")
		typed(p.Scale, tensor.Float32, 1, "Scale")
		scale = widen(p.Scale, 1, "Scale")[0]
	}
	if p.Argmax != nil {
		typed(p.Argmax, tensor.Int32, p.N, "Argmax")
	}
	if !r.indicesWithin(targets, -1, p.V, "cross entropy") {
		return
	}
	for n, target := range targets {
		row := logits[n*stride:][:p.V]
		s := classify(row, int(target))
		put(p.NLL, n, s.nll)
		put(p.Conf, n, s.conf)
		put(p.Entropy, n, s.entropy)
		put(p.Margin, n, s.margin)
		if p.Argmax != nil {
			view[int32](own(p.Argmax, "Argmax"))[n] = int32(s.argmax)
		}
		for c, g := range smoothedSlope(row, int(target), float64(p.Smoothing)) {
			put(p.DLogits, n*stride+c, g*scale)
		}
		for c := p.V; c < stride; c++ {
			put(p.DLogits, n*stride+c, 0)
		}
	}
}

// put sets one element of an optional output.
func put(b kernels.Buffer, i int, v float64) {
	if b != nil {
		b.(*buffer).set(i, v)
	}
}

// classification is what a row of logits says.
type classification struct {
	nll, conf, entropy, margin float64
	argmax                     int
}

// classify reads a row of logits. Target −1 has no loss.
func classify(logits []float64, target int) classification {
	logp := logSoftmax(logits)
	var c classification
	second := math.Inf(-1)
	for v, l := range logits {
		switch {
		case v == 0 || l > logits[c.argmax]:
			if v > 0 {
				second = logp[c.argmax]
			}
			c.argmax = v
		case logp[v] > second:
			second = logp[v]
		}
		if p := math.Exp(logp[v]); p != 0 {
			c.entropy -= p * logp[v]
		}
	}
	c.conf = math.Exp(logp[c.argmax])
	c.margin = c.conf - math.Exp(second)
	if target >= 0 {
		c.nll = -logp[target]
	}
	return c
}

// crossEntropySlope is the gradient of −ln p(target) by the logits: p − onehot(target), or 0 without a target.
func crossEntropySlope(logits []float64, target int) []float64 {
	slope := make([]float64, len(logits))
	if target < 0 {
		return slope
	}
	for v, l := range logSoftmax(logits) {
		slope[v] = math.Exp(l)
	}
	slope[target]--
	return slope
}

// smoothedSlope is the gradient where the target has a share smoothing less, spread over all classes.
func smoothedSlope(logits []float64, target int, smoothing float64) []float64 {
	slope := crossEntropySlope(logits, target)
	if target < 0 {
		return slope
	}
	slope[target] += smoothing
	return each(slope, func(g float64) float64 { return g - smoothing/float64(len(logits)) })
}

// logSoftmax is x − ln Σ exp(x), computed from the largest element so that nothing overflows.
func logSoftmax(x []float64) []float64 {
	largest := math.Inf(-1)
	for _, v := range x {
		largest = math.Max(largest, v)
	}
	sum := 0.0
	for _, v := range x {
		sum += math.Exp(v - largest)
	}
	shift := largest + math.Log(sum)
	return each(x, func(v float64) float64 { return v - shift })
}
