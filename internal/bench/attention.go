package bench

import (
	"runtime"

	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/tensor"
)

// AttentionShape is self-attention over B rows of T tokens with H heads of width D.
type AttentionShape struct{ B, T, H, D int }

// AttentionReport is what attention under one mask took.
type AttentionReport struct {
	Mask               string  `json:"mask"`
	B                  int     `json:"b"`
	T                  int     `json:"t"`
	H                  int     `json:"h"`
	D                  int     `json:"d"`
	Visible            float64 `json:"visible"` // visible pairs over all
	TilesComputed      int     `json:"tiles"`   // a head
	TilesTotal         int     `json:"tiles_total"`
	ForwardMsMin       float64 `json:"forward_ms_min"`
	ForwardMsMedian    float64 `json:"forward_ms_median"`
	BackwardMsMin      float64 `json:"backward_ms_min"`
	BackwardMsMedian   float64 `json:"backward_ms_median"`
	ForwardGflopsPerS  float64 `json:"forward_gflops_per_s"` // of visible pairs, at the fastest call
	BackwardGflopsPerS float64 `json:"backward_gflops_per_s"`
	MemoryBytes        int64   `json:"memory_bytes"` // held: operands, gradients, mask and scratch
}

// TimeAttention times so many calls of attention and of its gradient, with operands of a type.
func TimeAttention(be kernels.Backend, s AttentionShape, t tensor.DType, f Form, calls int) (*AttentionReport, error) {
	info := be.Info()
	plan, seen, err := f.plan(s.B, s.T, info.TileQ, info.TileS)
	if err != nil {
		return nil, err
	}
	before, err := InUse(be)
	if err != nil {
		return nil, err
	}
	m := memory{be: be}
	defer m.free()
	forward, backward := m.attention(s, t, &plan.Mask)
	if m.err != nil {
		return nil, m.err
	}
	w, err := NewStopwatch(be)
	if err != nil {
		return nil, err
	}
	there, err := timeCalls(w, calls, func() { be.Attention(forward) })
	if err != nil {
		return nil, err
	}
	back, err := timeCalls(w, calls, func() { be.AttentionBackward(backward) })
	if err != nil {
		return nil, err
	}
	after, err := InUse(be)
	if err != nil {
		return nil, err
	}
	runtime.KeepAlive(plan) // which was there before
	pairs := int(seen.Visible*float64(s.B*s.T*s.T) + 0.5)
	return &AttentionReport{
		Mask:               f.Name,
		B:                  s.B,
		T:                  s.T,
		H:                  s.H,
		D:                  s.D,
		Visible:            seen.Visible,
		TilesComputed:      seen.Tiles,
		TilesTotal:         seen.TilesTotal,
		ForwardMsMin:       1e3 * there.Min,
		ForwardMsMedian:    1e3 * there.Median,
		BackwardMsMin:      1e3 * back.Min,
		BackwardMsMedian:   1e3 * back.Median,
		ForwardGflopsPerS:  forward.Flops(pairs) / there.Min / 1e9,
		BackwardGflopsPerS: backward.Flops(pairs) / back.Min / 1e9,
		MemoryBytes:        after - before,
	}, nil
}

// attention is both directions' operands, queries, keys and values side by side as a model has them.
func (m *memory) attention(
	s AttentionShape, t tensor.DType, host *mask.Mask,
) (f kernels.AttentionForward, b kernels.AttentionBackward) {
	rows, width, lines := s.B*s.T, s.H*s.D, s.B*s.H*s.T
	qkv, dqkv := m.normal(t, rows, 3*width, 1), m.alloc(t, rows*3*width)
	third := func(buf kernels.Buffer, i int) kernels.Strided {
		return kernels.Strided{Buf: buf, Offset: i * width, Stride: 3 * width}
	}
	f = kernels.AttentionForward{
		T:   s.T,
		S:   s.T,
		H:   s.H,
		D:   s.D,
		Q:   third(qkv, 0),
		K:   third(qkv, 1),
		V:   third(qkv, 2),
		Out: kernels.Dense(m.alloc(t, rows*width), width),
		LSE: m.alloc(tensor.Float32, lines),
		Mask: kernels.Mask{
			Batch:  s.B,
			T:      s.T,
			S:      s.T,
			Pos:    m.ints(host.Pos),
			Lo:     m.ints(host.Lo),
			Hi:     m.ints(host.Hi),
			Tables: m.alloc(tensor.Int32, m.be.MaskTablesLen(s.B, s.T, s.T)),
		},
	}
	b = kernels.AttentionBackward{
		T:     s.T,
		S:     s.T,
		H:     s.H,
		D:     s.D,
		DQ:    third(dqkv, 0),
		DK:    third(dqkv, 1),
		DV:    third(dqkv, 2),
		Q:     f.Q,
		K:     f.K,
		V:     f.V,
		Out:   f.Out,
		DOut:  kernels.Dense(m.normal(t, rows, width, 2), width),
		LSE:   f.LSE,
		Delta: m.alloc(tensor.Float32, lines),
		Mask:  f.Mask,
	}
	if m.err == nil {
		m.be.PrepareMask(f.Mask)
	}
	return f, b
}
