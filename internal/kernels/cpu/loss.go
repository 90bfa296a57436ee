package cpu

import (
	"fmt"
	"math"

	"dmtrain/internal/kernels"
)

// CrossEntropy reads each row of logits into its outputs. A target outside −1 … V−1 is a fault.
func (b *Backend) CrossEntropy(a kernels.CrossEntropy) {
	t := crossEntropyTask{
		mem: &b.memory, logits: f32(a.Logits, a.N*a.V), targets: i32(a.Targets, a.N), v: a.V,
		nll: optF32(a.NLL, a.N), conf: optF32(a.Conf, a.N), entropy: optF32(a.Entropy, a.N), margin: optF32(a.Margin, a.N),
		argmax: optI32(a.Argmax, a.N), dlogits: optF32(a.DLogits, a.N*a.V),
	}
	if t.dlogits != nil {
		t.scale = f32(a.Scale, 1)[0]
	}
	launch(b, &b.tasks.crossEntropy, t, pieces(a.N, rowsPerItem(a.V)))
}

type crossEntropyTask struct {
	mem                        *memory
	logits                     []float32
	targets                    []int32
	nll, conf, entropy, margin []float32
	argmax                     []int32
	dlogits                    []float32
	scale                      float32
	v                          int
}

func (t *crossEntropyTask) run(_ *worker, item int) {
	n0, n1 := span(item, rowsPerItem(t.v), len(t.targets))
	for n := n0; n < n1; n++ {
		t.row(n)
	}
}

func (t *crossEntropyTask) row(n int) {
	x := t.logits[n*t.v : (n+1)*t.v]
	target := int(t.targets[n])
	if target < -1 || target >= t.v {
		t.mem.report(fmt.Errorf("cpu: cross-entropy: target %d is outside the vocabulary of %d", target, t.v))
		target = -1
	}
	s := softmaxOf(x)
	put(t.nll, n, nllOf(x, target, s))
	put(t.conf, n, float32(1/s.sum))
	put(t.entropy, n, float32(math.Log(s.sum)+s.spread/s.sum))
	put(t.margin, n, float32((1-math.Exp(float64(s.second-s.max)))/s.sum))
	if t.argmax != nil {
		t.argmax[n] = int32(s.argmax)
	}
	if t.dlogits == nil {
		return
	}
	dx := t.dlogits[n*t.v : (n+1)*t.v]
	if target < 0 {
		clear(dx)
		return
	}
	norm := float32(1 / s.sum)
	for j, v := range x {
		dx[j] = exp(v-s.max) * norm * t.scale
	}
	dx[target] -= t.scale
}

func put(dst []float32, n int, v float32) {
	if dst != nil {
		dst[n] = v
	}
}

// softmax is what a row of logits x comes down to.
type softmax struct {
	max, second float32 // the largest logit and the next; −∞ where there is none
	argmax      int
	sum         float64 // Σ exp(x−max)
	spread      float64 // Σ exp(x−max)·(max−x): entropy = ln sum + spread/sum
}

func softmaxOf(x []float32) softmax {
	s := softmax{max: -inf, second: -inf}
	for j, v := range x {
		switch {
		case v > s.max:
			s.max, s.second, s.argmax = v, s.max, j
		case v > s.second:
			s.second = v
		}
	}
	for _, v := range x {
		e := exp(v - s.max)
		s.sum += float64(e)
		if e != 0 {
			s.spread += float64(e * (s.max - v))
		}
	}
	return s
}

func nllOf(x []float32, target int, s softmax) float32 {
	if target < 0 {
		return 0
	}
	return float32(math.Log(s.sum) + float64(s.max-x[target]))
}
