package kernelstest_test

import (
	"math"

	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/ref"
	"dmtrain/internal/tensor"
)

type lastArgmax struct{ *ref.Backend }

func (b lastArgmax) CrossEntropy(p kernels.CrossEntropy) {
	logits := read(b, p.Logits)
	b.Backend.CrossEntropy(p)
	if p.Argmax == nil {
		return
	}
	argmax := make([]int32, p.N)
	for n := range argmax {
		row := logits[n*p.V:][:p.V]
		for v, l := range row {
			if l >= row[argmax[n]] {
				argmax[n] = int32(v)
			}
		}
	}
	b.Upload(p.Argmax, argmax)
}

type alwaysLoss struct{ *ref.Backend }

func (b alwaysLoss) CrossEntropy(p kernels.CrossEntropy) {
	targets := make([]int32, p.N)
	if err := b.Download(targets, p.Targets); err != nil {
		panic(err)
	}
	for i := range targets {
		targets[i] = max(targets[i], 0)
	}
	buf, err := b.Alloc(tensor.Int32, p.N)
	if err != nil {
		panic(err)
	}
	b.Upload(buf, targets)
	p.Targets = buf
	b.Backend.CrossEntropy(p)
	b.Free(buf)
}

type unitScale struct{ *ref.Backend }

func (b unitScale) CrossEntropy(p kernels.CrossEntropy) {
	one, err := b.Alloc(tensor.Float32, 1)
	if err != nil {
		panic(err)
	}
	b.Upload(one, []float32{1})
	p.Scale = one
	b.Backend.CrossEntropy(p)
	b.Free(one)
}

type overreads struct{ *ref.Backend }

func (b overreads) CrossEntropy(p kernels.CrossEntropy) {
	p.V, p.Pad = p.V+p.Pad, 0
	b.Backend.CrossEntropy(p)
}

type leavesPad struct{ *ref.Backend }

func (b leavesPad) CrossEntropy(p kernels.CrossEntropy) {
	b.Backend.CrossEntropy(p)
	if p.DLogits == nil {
		return
	}
	grad := read(b, p.DLogits)
	for n := range p.N {
		for c := p.V; c < p.V+p.Pad; c++ {
			grad[n*(p.V+p.Pad)+c] = 1
		}
	}
	b.Upload(p.DLogits, grad)
}

type drifts struct{ *ref.Backend }

func (b drifts) SquaredNorm(p kernels.SquaredNorm) {
	var sum float32
	for _, v := range read(b, p.X)[:p.N] {
		sum += v * v
	}
	b.Upload(p.Out, []float32{sum})
}

type losesNaN struct{ *ref.Backend }

func (b losesNaN) SquaredNorm(p kernels.SquaredNorm) {
	b.Backend.SquaredNorm(p)
	edit(b, p.Out, func(x []float32) {
		if x[0] != x[0] {
			x[0] = 0
		}
	})
}

type biased struct{ *ref.Backend }

func (b biased) AdamW(p kernels.AdamW) {
	p.Step = 1_000_000
	b.Backend.AdamW(p)
}

type coupled struct{ *ref.Backend }

func (b coupled) AdamW(p kernels.AdamW) {
	param := read(b, p.Param)
	grad := read(b, p.Grad)
	for i := range grad {
		grad[i] += p.Decay * param[i]
	}
	buf, err := b.Alloc(tensor.Float32, p.N)
	if err != nil {
		panic(err)
	}
	b.Upload(buf, grad)
	p.Grad, p.Decay = buf, 0
	b.Backend.AdamW(p)
	b.Free(buf)
}

type truncates struct{ *ref.Backend }

func (b truncates) AdamW(p kernels.AdamW) {
	b.Backend.AdamW(p)
	if p.Low == nil {
		return
	}
	x := read(b, p.Param)
	for i, v := range x {
		x[i] = math.Float32frombits(math.Float32bits(v) &^ 0xffff)
	}
	b.Upload(p.Low, x)
}

type forgetful struct{ *ref.Backend }

func (b forgetful) Sync() error {
	_ = b.Backend.Sync()
	return nil
}

// keepsSource uploads when it must, as an asynchronous copy from memory it does not own would.
type keepsSource struct {
	*ref.Backend
	dst kernels.Buffer
	src any
}

func (b *keepsSource) Upload(dst kernels.Buffer, src any) {
	if x, ok := src.([]float32); ok && len(x) == dst.Len() {
		b.dst, b.src = dst, src
		return
	}
	b.Backend.Upload(dst, src)
}

func (b *keepsSource) Download(dst any, src kernels.Buffer) error {
	if b.dst != nil && b.dst.Len() > 0 {
		b.Backend.Upload(b.dst, b.src)
		b.dst = nil
	}
	return b.Backend.Download(dst, src)
}
