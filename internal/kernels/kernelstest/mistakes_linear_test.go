package kernelstest_test

import (
	"math"

	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/ref"
	"dmtrain/internal/tensor"
)

type noBias struct{ *ref.Backend }

func (b noBias) MatMul(p kernels.MatMul) {
	p.Bias = nil
	b.Backend.MatMul(p)
}

type noAlias struct{ *ref.Backend }

func (b noAlias) MatMul(p kernels.MatMul) {
	if p.Add == p.C {
		p.Add = nil
	}
	b.Backend.MatMul(p)
}

type relu struct{ *ref.Backend }

func (b relu) MatMul(p kernels.MatMul) {
	b.Backend.MatMul(p)
	if p.Gelu != nil {
		b.Upload(p.Gelu, read(b, p.C))
		edit(b, p.Gelu, func(x []float32) {
			for i := range x {
				x[i] = max(x[i], 0)
			}
		})
	}
}

type shortK struct{ *ref.Backend }

func (b shortK) MatMul(p kernels.MatMul) {
	if p.K > 1 && p.TransA && !p.TransB {
		p.K--
	}
	b.Backend.MatMul(p)
}

type lastUnwritten struct{ *ref.Backend }

func (b lastUnwritten) MatMul(p kernels.MatMul) {
	last := read(b, p.C)[p.M*p.N-1]
	b.Backend.MatMul(p)
	edit(b, p.C, func(x []float32) { x[p.M*p.N-1] = last })
}

type writesInput struct{ *ref.Backend }

func (b writesInput) MatMul(p kernels.MatMul) {
	b.Backend.MatMul(p)
	edit(b, p.A, func(x []float32) { x[len(x)/2] = 0 })
}

// overruns remembers where slices begin, to write one element behind one.
type overruns struct {
	*ref.Backend
	arena  kernels.Buffer
	offset map[kernels.Buffer]int
}

func (b *overruns) Slice(of kernels.Buffer, t tensor.DType, offset, n int) kernels.Buffer {
	s := b.Backend.Slice(of, t, offset, n)
	if b.offset == nil || b.arena != of {
		b.arena, b.offset = of, map[kernels.Buffer]int{}
	}
	b.offset[s] = offset
	return s
}

func (b *overruns) MatMul(p kernels.MatMul) {
	b.Backend.MatMul(p)
	b.Upload(b.Backend.Slice(b.arena, tensor.Uint8, b.offset[p.C]+4*p.C.Len(), 1), []uint8{0})
}

type wavers struct {
	*ref.Backend
	calls int
}

func (b *wavers) MatMul(p kernels.MatMul) {
	b.Backend.MatMul(p)
	b.calls++
	edit(b, p.C, func(x []float32) { x[0] *= 1 + 0x1p-22*float32(b.calls%2) })
}

type batchVariant struct{ *ref.Backend }

func (b batchVariant) MatMul(p kernels.MatMul) {
	b.Backend.MatMul(p)
	if p.M == 1 {
		edit(b, p.C, func(x []float32) { x[0] *= 1 + 0x1p-22 })
	}
}

type trusting struct{ *ref.Backend }

func (b trusting) MatMul(p kernels.MatMul) {
	defer func() { _ = recover() }()
	b.Backend.MatMul(p)
}

type assigning struct{ *ref.Backend }

func (b assigning) BiasGrad(p kernels.BiasGrad) {
	b.Zero(p.DBias)
	b.Backend.BiasGrad(p)
}

type lastWins struct{ *ref.Backend }

func (b lastWins) EmbedBackward(p kernels.EmbedBackward) {
	ids, dout := make([]int32, p.N), read(b, p.DOut)
	if err := b.Download(ids, p.IDs); err != nil {
		panic(err)
	}
	before := read(b, p.DTable)
	edit(b, p.DTable, func(x []float32) {
		for n, id := range ids {
			for c := range p.C {
				x[int(id)*p.C+c] = before[int(id)*p.C+c] + dout[n*p.C+c]
			}
		}
	})
}

type gapToucher struct{ *ref.Backend }

func (b gapToucher) PutRows(p kernels.PutRows) {
	b.Backend.PutRows(p)
	if p.Dst.Stride > p.C {
		edit(b, p.Dst.Buf, func(x []float32) { x[p.Dst.Offset+p.C] = 0 })
	}
}

type noEps struct{ *ref.Backend }

func (b noEps) LayerNorm(p kernels.LayerNorm) {
	p.Eps = 0
	b.Backend.LayerNorm(p)
}

type onePass struct{ *ref.Backend }

func (b onePass) LayerNorm(p kernels.LayerNorm) {
	b.Backend.LayerNorm(p)
	x, y, mean, weight, bias := read(b, p.X), read(b, p.Y), read(b, p.Mean), read(b, p.Weight), read(b, p.Bias)
	for r := range p.Rows {
		var squares float32
		for _, v := range x[r*p.Cols:][:p.Cols] {
			squares += v * v
		}
		variance := float64(squares/float32(p.Cols)-mean[r]*mean[r]) + float64(p.Eps)
		rstd := float32(1 / math.Sqrt(math.Max(variance, 1e-12)))
		for c := range p.Cols {
			y[r*p.Cols+c] = (x[r*p.Cols+c]-mean[r])*rstd*weight[c] + bias[c]
		}
	}
	b.Upload(p.Y, y)
}

type noResidual struct{ *ref.Backend }

func (b noResidual) LayerNormBackward(p kernels.LayerNormBackward) {
	p.Add = nil
	b.Backend.LayerNormBackward(p)
}

type byMatrixRow struct{ *ref.Backend }

func (b byMatrixRow) Dropout(p kernels.Dropout) {
	p.Lines = 1
	b.Backend.Dropout(p)
}

type unscaled struct{ *ref.Backend }

func (b unscaled) Dropout(p kernels.Dropout) {
	b.Backend.Dropout(p)
	edit(b, p.Y, func(x []float32) {
		for i := range x {
			x[i] *= 1 - p.Rate
		}
	})
}

type firstForgotten struct{ *ref.Backend }

func (b firstForgotten) Bernoulli(p kernels.Bernoulli) {
	words := make([]int32, 4)
	if err := b.Download(words, p.Draw); err != nil {
		panic(err)
	}
	draw, err := b.Alloc(tensor.Int32, 4)
	if err != nil {
		panic(err)
	}
	words[3] = 0
	b.Upload(draw, words)
	p.Draw = draw
	b.Backend.Bernoulli(p)
	b.Free(draw)
}

type onlyOne struct{ *ref.Backend }

func (b onlyOne) MaskedFill(p kernels.MaskedFill) {
	hidden := make([]uint8, p.Rows)
	if err := b.Download(hidden, p.Hidden); err != nil {
		panic(err)
	}
	for i, h := range hidden {
		hidden[i] = 0
		if h == 1 {
			hidden[i] = 1
		}
	}
	copied, err := b.Alloc(tensor.Uint8, p.Rows)
	if err != nil {
		panic(err)
	}
	b.Upload(copied, hidden)
	p.Hidden = copied
	b.Backend.MaskedFill(p)
	b.Free(copied)
}
