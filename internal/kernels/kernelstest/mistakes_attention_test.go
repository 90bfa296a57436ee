package kernelstest_test

import (
	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/ref"
)

type oneInterval struct{ *ref.Backend }

func (b oneInterval) PrepareMask(m kernels.Mask) {
	m.Tag, m.A, m.B = nil, nil, nil
	b.Backend.PrepareMask(m)
}

func (b oneInterval) Attention(p kernels.AttentionForward) {
	p.Mask.Tag, p.Mask.A, p.Mask.B = nil, nil, nil
	b.Backend.Attention(p)
}

func (b oneInterval) AttentionBackward(p kernels.AttentionBackward) {
	p.Mask.Tag, p.Mask.A, p.Mask.B = nil, nil, nil
	b.Backend.AttentionBackward(p)
}

// averages gives the first batch row's blind queries the mean of the values, as a softmax over equal large negative
// scores does.
type averages struct{ *ref.Backend }

func (b averages) Attention(p kernels.AttentionForward) {
	b.Backend.Attention(p)
	v := read(b, p.V.Buf)
	edit(b, p.LSE, func(lse []float32) {
		edit(b, p.Out.Buf, func(out []float32) {
			for i := range p.T {
				if lse[i] != 0 {
					continue
				}
				for c := range p.D {
					var sum float32
					for j := range p.S {
						sum += v[p.V.Offset+j*p.V.Stride+c]
					}
					out[p.Out.Offset+i*p.Out.Stride+c] = sum / float32(p.S)
				}
			}
		})
	})
}

type leaks struct{ *ref.Backend }

func (b leaks) Attention(p kernels.AttentionForward) {
	b.Backend.Attention(p)
	k := read(b, p.K.Buf)
	edit(b, p.Out.Buf, func(out []float32) { out[p.Out.Offset] += 1e-9 * k[p.K.Offset+(p.S-1)*p.K.Stride] })
}

type noDrop struct{ *ref.Backend }

func (b noDrop) Attention(p kernels.AttentionForward) {
	p.Drop = kernels.EdgeDrop{}
	b.Backend.Attention(p)
}

type noDropBack struct{ *ref.Backend }

func (b noDropBack) AttentionBackward(p kernels.AttentionBackward) {
	p.Drop = kernels.EdgeDrop{}
	b.Backend.AttentionBackward(p)
}
