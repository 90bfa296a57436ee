package kernelstest

import (
	"fmt"
	"math"
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// lossCase is one cross-entropy and which outputs it asks for.
type lossCase struct {
	n, v     int
	pad      int
	inPlace  bool // DLogits is Logits
	gradient bool
	reports  bool // Conf, Entropy, Margin, Argmax
	smooth   float32
	fill     func(t *trial, logits []float32, v int)
}

func (s *suite) testCrossEntropy(t *testing.T) {
	plain := func(t *trial, logits []float32, _ int) { copy(logits, t.normalTimes(len(logits), 3)) }
	fills := []struct {
		name string
		fill func(t *trial, logits []float32, v int)
	}{
		{"plain", plain},
		{"ties", func(t *trial, logits []float32, v int) {
			for i, x := range t.below(len(logits), 3) {
				logits[i] = float32(x)
			}
		}},
		{"constant", func(_ *trial, logits []float32, _ int) {
			for i := range logits {
				logits[i] = -2.5
			}
		}},
		{"extreme", func(t *trial, logits []float32, v int) {
			for i, x := range t.below(len(logits), 9) {
				logits[i] = []float32{-1e4, 1e4, 0, 1, -1, -1e4, -1e4, 9.9e3, -9.9e3}[x]
			}
		}},
		{"far", func(t *trial, logits []float32, _ int) {
			for i, x := range t.normal(len(logits)) {
				logits[i] = x - 1e4
			}
		}},
		{"minus infinity", func(t *trial, logits []float32, v int) {
			plain(t, logits, v)
			for i, x := range t.below(len(logits), 4) {
				if x == 0 && i%v > 0 { // never the whole row
					logits[i] = float32(math.Inf(-1))
				}
			}
		}},
		{"last is largest", func(t *trial, logits []float32, v int) {
			plain(t, logits, v)
			for i := v - 1; i < len(logits); i += v {
				logits[i] = 50
			}
		}},
	}
	s.eachFloat(t, func(t *testing.T, dt tensor.DType) {
		for _, shape := range [][2]int{{3, 1}, {1, 2}, {7, 7}, {65, 63}, {33, 65}, {5, 129}, {3, 1030}} {
			for i, f := range fills {
				for options := range 9 {
					if s.relayed && shape[0] > 9 {
						continue
					}
					// of many rows each option and each sort of logits, but not all pairs
					if shape[0] > 9 && i > 0 && options > 0 {
						continue
					}
					c := lossCase{
						n:        shape[0],
						v:        shape[1],
						fill:     f.fill,
						inPlace:  options == 1 || options == 3,
						gradient: options < 4,
						reports:  options%4 < 2,
					}
					if options == 8 {
						c.gradient, c.inPlace, c.smooth = true, true, 0.25
					}
					if options == 2 || options == 3 || options == 7 { // to a multiple of 8, or by 3
						c.pad = (8 - c.v%8) % 8
						if c.pad == 0 {
							c.pad = 3
						}
					}
					t.Run(fmt.Sprintf("%dx%d/%s/%d", c.n, c.v, f.name, options),
						func(t *testing.T) { s.crossEntropy(t, dt, c) })
				}
			}
		}
	})
}

// crossEntropy allows for an absolute error of the logits' own size in the logarithm of the sum, as any float32
// result of that size has.
func (s *suite) crossEntropy(tb *testing.T, dt tensor.DType, c lossCase) {
	t := s.trial(tb)
	values := make([]float32, c.n*c.v)
	c.fill(t, values, c.v)
	largest := float64(largest(values))
	values = padded(values, c.v, c.pad)
	targets := t.below(c.n, c.v)
	for i := range targets {
		if i%4 == 3 {
			targets[i] = -1
		}
	}
	sum := within(c.v + 8).atLeast(1 + largest)
	prob := within(c.v + 8).atLeast(1)
	nll := t.out("NLL", tensor.Float32, c.n, sum)
	target := t.in("Targets", tensor.Int32, targets)
	var logits, dlogits, scale, conf, entropy, margin, argmax *operand
	if c.gradient {
		const factor = 0.125
		grad := within(c.v + 8).atLeast(factor)
		scale = t.in("Scale", tensor.Float32, []float32{factor})
		if c.inPlace {
			dlogits = t.update("Logits = DLogits", dt, values, grad)
			logits = dlogits
		} else {
			dlogits = t.out("DLogits", dt, c.n*(c.v+c.pad), grad)
		}
	}
	if logits == nil {
		logits = t.in("Logits", dt, values)
	}
	if c.reports {
		conf, margin = t.out("Conf", tensor.Float32, c.n, prob), t.out("Margin", tensor.Float32, c.n, prob)
		entropy = t.out("Entropy", tensor.Float32, c.n, within(c.v+8).atLeast(math.Log(float64(c.v))))
		argmax = t.out("Argmax", tensor.Int32, c.n, exactly)
	}
	got := t.check(func(k kernels.Backend, at *bound) {
		k.CrossEntropy(kernels.CrossEntropy{
			Logits:    at.buf(logits),
			Targets:   at.buf(target),
			N:         c.n,
			V:         c.v,
			Pad:       c.pad,
			NLL:       at.buf(nll),
			Conf:      at.buf(conf),
			Entropy:   at.buf(entropy),
			Margin:    at.buf(margin),
			Argmax:    at.buf(argmax),
			DLogits:   at.buf(dlogits),
			Scale:     at.buf(scale),
			Smoothing: c.smooth,
		})
	})
	for i, v := range got.of(nll) {
		if targets[i] < 0 && v != 0 {
			t.Errorf("token %d has no target and loss %v", i, v)
		}
	}
	if c.gradient {
		for i, v := range got.of(dlogits) {
			token, class := i/(c.v+c.pad), i%(c.v+c.pad)
			if v != 0 && (targets[token] < 0 || class >= c.v) {
				t.Fatalf("token %d, of target %d, has gradient %v at %d", token, targets[token], v, class)
			}
		}
	}
}

// padded puts columns behind every row that would be the largest logits, were they any.
func padded(values []float32, v, pad int) []float32 {
	if pad == 0 {
		return values
	}
	var out []float32
	for n := range len(values) / v {
		out = append(out, values[n*v:][:v]...)
		for range pad {
			out = append(out, 3e4)
		}
	}
	return out
}
