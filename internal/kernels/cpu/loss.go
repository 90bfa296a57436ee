package cpu

import (
	"fmt"
	"math"
	"slices"

	"dmtrain/internal/kernels"
)

// CrossEntropy reads each row of logits into its outputs. A target outside −1 … V−1 is a fault.
func (b *Backend) CrossEntropy(a kernels.CrossEntropy) {
	t := crossEntropyTask{
		prim:      &b.prim,
		mem:       &b.memory,
		logits:    f32(a.Logits, a.N*(a.V+a.Pad)),
		targets:   i32(a.Targets, a.N),
		v:         a.V,
		stride:    a.V + a.Pad,
		nll:       optF32(a.NLL, a.N),
		conf:      optF32(a.Conf, a.N),
		entropy:   optF32(a.Entropy, a.N),
		margin:    optF32(a.Margin, a.N),
		argmax:    optI32(a.Argmax, a.N),
		dlogits:   optF32(a.DLogits, a.N*(a.V+a.Pad)),
		smoothing: a.Smoothing,
	}
	if t.dlogits != nil {
		t.scale = f32(a.Scale, 1)[0]
	}
	launch(b, &b.tasks.crossEntropy, t, pieces(a.N, rowsPerItem(a.V)))
}

type crossEntropyTask struct {
	prim                       *primitives
	mem                        *memory
	logits                     []float32
	targets                    []int32
	nll, conf, entropy, margin []float32
	argmax                     []int32
	dlogits                    []float32
	scale, smoothing           float32
	v, stride                  int
}

func (t *crossEntropyTask) run(w *worker, item int) {
	n0, n1 := span(item, rowsPerItem(t.v), len(t.targets))
	for n := n0; n < n1; n++ {
		t.row(w, n)
	}
}

func (t *crossEntropyTask) row(w *worker, n int) {
	x := t.logits[n*t.stride:][:t.v]
	target, nll := t.target(n), float32(0)
	top := t.top(w, x)
	if target >= 0 {
		nll = top.first - x[target] // before the gradient overwrites x
	}
	var e []float32 // a chunk's exponentials, or all of them
	if t.dlogits == nil {
		e = w.scratch(min(t.v, lossChunk))
	} else {
		e = t.dlogits[n*t.stride:][:t.v]
		clear(t.dlogits[n*t.stride+t.v : (n+1)*t.stride])
	}
	sum, spread := t.sums(e, x, top.first)
	if target >= 0 {
		nll += float32(math.Log(sum))
	}
	put(t.nll, n, nll)
	put(t.conf, n, float32(1/sum))
	put(t.entropy, n, float32(math.Log(sum)+spread/sum))
	put(t.margin, n, float32((1-math.Exp(float64(top.second-top.first)))/sum))
	if t.argmax != nil {
		t.argmax[n] = int32(top.argmax)
	}
	switch {
	case t.dlogits == nil:
	case target < 0:
		clear(e)
	default:
		t.prim.scale(e, e, t.scale/float32(sum))
		e[target] -= t.scale * (1 - t.smoothing)
		if t.smoothing > 0 {
			subtract(e, t.scale*t.smoothing/float32(t.v))
		}
	}
}

func subtract(x []float32, by float32) {
	for i := range x {
		x[i] -= by
	}
}

// target is token n's class, −1 for none. A class that does not exist is a fault and bears no loss.
func (t *crossEntropyTask) target(n int) int {
	target := int(t.targets[n])
	if target < -1 || target >= t.v {
		t.mem.report(fmt.Errorf("cpu: cross-entropy: target %d is outside the vocabulary of %d", target, t.v))
		return -1
	}
	return target
}

func put(dst []float32, n int, v float32) {
	if dst != nil {
		dst[n] = v
	}
}

// lossChunk is how many classes are summed in float32 before the sum goes on in float64.
const lossChunk = 4096

// leaders are the largest logit, the first place it has, and the next largest; −∞ where there is none.
type leaders struct {
	first, second float32
	argmax        int
}

func (t *crossEntropyTask) top(w *worker, x []float32) leaders {
	l := leaders{first: -inf(), second: -inf()}
	lanes := max(1, t.prim.lanes)
	first, second := w.first[:lanes], w.second[:lanes]
	where := 0 // the chunk that has the largest
	for c := 0; c < len(x); c += lossChunk {
		t.prim.topTwo(x[c:min(c+lossChunk, len(x))], first, second)
		before := l.first
		for i := range lanes {
			l.second = max(l.second, second[i], min(l.first, first[i]))
			l.first = max(l.first, first[i])
		}
		if l.first > before {
			where = c
		}
	}
	if t.argmax != nil {
		l.argmax = where + max(0, slices.Index(x[where:], l.first))
	}
	return l
}

// sums are Σ exp(x − top) and Σ exp(x − top)·(top − x), the exponentials left in e where it has room for all.
func (t *crossEntropyTask) sums(e, x []float32, top float32) (sum, spread float64) {
	for c := 0; c < len(x); c += lossChunk {
		part := x[c:min(c+lossChunk, len(x))]
		to := e
		if len(e) == len(x) {
			to = e[c:]
		}
		s, d := t.prim.expSum(to[:len(part)], part, top)
		sum, spread = sum+float64(s), spread+float64(d)
	}
	return sum, spread
}
