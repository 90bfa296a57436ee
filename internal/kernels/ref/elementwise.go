package ref

import (
	"math"

	"dmtrain/internal/kernels"
	"dmtrain/internal/rng"
)

// Add implements kernels.Elementwise.
func (r *Backend) Add(p kernels.Add) {
	y := widen(p.A, p.N, "A")
	addAll(y, widen(p.B, p.N, "B"))
	round(p.Y, y, "Y")
}

// Scale implements kernels.Elementwise.
func (r *Backend) Scale(p kernels.Scale) {
	factor := float64(p.Factor)
	round(p.Y, each(widen(p.X, p.N, "X"), func(x float64) float64 { return factor * x }), "Y")
}

// GeluBackward implements kernels.Elementwise.
func (r *Backend) GeluBackward(p kernels.GeluBackward) {
	dx := each(widen(p.X, p.N, "X"), geluSlope)
	for i, dy := range widen(p.DY, p.N, "DY") {
		dx[i] *= dy
	}
	round(p.DX, dx, "DX")
}

// Dropout implements kernels.Elementwise.
func (r *Backend) Dropout(p kernels.Dropout) {
	y := widen(p.X, p.Rows*p.Cols, "X")
	if p.Rate > 0 {
		d := drawOf(p.Draw)
		for n := range p.Rows {
			line := (d.first+uint32(n/p.Lines))*uint32(p.Lines) + uint32(n%p.Lines)
			for c := range p.Cols {
				y[n*p.Cols+c] *= survival(p.Rate, d.unit(p.Purpose, line, c))
			}
		}
	}
	round(p.Y, y, "Y")
}

// survival is what a draw makes of an activation: 0, or the factor that keeps its mean.
func survival(rate, unit float32) float64 {
	if unit < rate {
		return 0
	}
	return 1 / (1 - float64(rate))
}

// draw is a kernels.Draw, unpacked.
type draw struct {
	seed        uint64
	step, first uint32
}

func drawOf(b kernels.Draw) draw {
	w := int32s(b, 4, "Draw")
	return draw{seed: uint64(uint32(w[0])) | uint64(uint32(w[1]))<<32, step: uint32(w[2]), first: uint32(w[3])}
}

func (d draw) unit(p rng.Purpose, line uint32, column int) float32 {
	return rng.Uniform(d.seed, p, d.step, line, uint32(column))
}

// each applies f to every element.
func each(x []float64, f func(float64) float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = f(v)
	}
	return y
}

const (
	geluScale = 0.7978845608028654 // √(2/π)
	geluCubic = 0.044715
)

// gelu is the tanh form of x·Φ(x) (Hendrycks and Gimpel 2016).
func gelu(x float64) float64 {
	return 0.5 * x * (1 + math.Tanh(geluScale*(x+geluCubic*x*x*x)))
}

// geluSlope is its derivative.
func geluSlope(x float64) float64 {
	tanh := math.Tanh(geluScale * (x + geluCubic*x*x*x))
	return 0.5*(1+tanh) + 0.5*x*(1-tanh*tanh)*geluScale*(1+3*geluCubic*x*x)
}
