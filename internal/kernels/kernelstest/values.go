package kernelstest

import (
	"dmtrain/internal/rng"
	"dmtrain/internal/tensor"
)

// normal is n standard normal draws, different at each call.
func (t *trial) normal(n int) []float32 { return t.normalTimes(n, 1) }

// normalTimes is n normal draws of a standard deviation.
func (t *trial) normalTimes(n int, deviation float64) []float32 {
	t.streams++
	return normals(t.seed, t.streams, n, deviation)
}

func normals(seed uint64, stream uint32, n int, deviation float64) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(deviation * rng.Normal(seed, rng.Probe, stream, 0, uint32(i)))
	}
	return x
}

// below is n draws from 0 … limit−1.
func (t *trial) below(n, limit int) []int32 {
	t.streams++
	return below(t.seed, t.streams, n, limit)
}

func below(seed uint64, stream uint32, n, limit int) []int32 {
	x := make([]int32, n)
	for i := range x {
		x[i] = int32(rng.Below(seed, rng.Probe, stream, 1, uint32(i), limit))
	}
	return x
}

// uniform is n draws from [0, 1).
func (t *trial) uniform(n int) []float32 {
	t.streams++
	x := make([]float32, n)
	for i := range x {
		x[i] = rng.Uniform(t.seed, rng.Probe, t.streams, 2, uint32(i))
	}
	return x
}

// coin is n draws of 1 at a rate, else 0.
func (t *trial) coin(n int, rate float32) []uint8 {
	x := make([]uint8, n)
	for i, u := range t.uniform(n) {
		if u < rate {
			x[i] = 1
		}
	}
	return x
}

// draw is a place in the random streams whose every word matters.
func (t *trial) draw(first int) *operand {
	return t.in("Draw", tensor.Int32, drawWords(t.seed*0x9E3779B97F4A7C15, 70_000, first))
}

func drawWords(seed uint64, step, first int) []int32 {
	return []int32{int32(uint32(seed)), int32(uint32(seed >> 32)), int32(step), int32(first)}
}

// unit is the draw that a kernel given these words makes, as a number in [0, 1).
func unit(draw *operand, p rng.Purpose, line, column int) float32 {
	w := draw.values.([]int32)
	return rng.Uniform(uint64(uint32(w[0]))|uint64(uint32(w[1]))<<32, p, uint32(w[2]), uint32(line), uint32(column))
}

// rounded is x as bfloat16 holds it where dt says so: for expectations computed in the test.
func rounded(x []float32, dt tensor.DType) []float64 {
	o := operand{dtype: dt, rows: 1, cols: len(x), stride: len(x), values: x}
	arena := make([]byte, len(x)*dt.Size())
	o.encode(arena)
	return o.decode(arena)
}
