package ref

import (
	"strings"
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/rng"
	"dmtrain/internal/tensor"
)

// device puts values where a test can use them.
type device struct {
	*testing.T
	*Backend
}

func (d device) alloc(dt tensor.DType, n int) kernels.Buffer {
	d.Helper()
	b, err := d.Alloc(dt, n)
	if err != nil {
		d.Fatal(err)
	}
	return b
}

func (d device) floats(v ...float32) kernels.Buffer {
	d.Helper()
	b := d.alloc(tensor.Float32, len(v))
	d.Upload(b, v)
	return b
}

func (d device) ints(v ...int32) kernels.Buffer {
	d.Helper()
	b := d.alloc(tensor.Int32, len(v))
	d.Upload(b, v)
	return b
}

func (d device) hidden(v ...uint8) kernels.Buffer {
	d.Helper()
	b := d.alloc(tensor.Uint8, len(v))
	d.Upload(b, v)
	return b
}

// integers is n small whole numbers, of which float32 sums are exact.
func (d device) integers(n int, stream uint32) kernels.Buffer {
	d.Helper()
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.Below(1, rng.Probe, stream, 0, uint32(i), 19) - 9)
	}
	return d.floats(x...)
}

func (d device) dot(a, b kernels.Buffer) float64 {
	return dot(widen(a, a.Len(), "a"), widen(b, b.Len(), "b"))
}

// The gradient of a linear operation is its transpose: ⟨dy, f(x)⟩ = ⟨f'(dy), x⟩, exactly, over whole numbers.
func TestLinearGradientsAreTransposes(t *testing.T) {
	d := device{t, New()}
	const n, v, c = 9, 4, 3
	ids, table, dout := d.ints(0, 3, 3, 1, 3, 0, 0, 1, 3), d.integers(v*c, 1), d.integers(n*c, 2)
	out, dtable := d.alloc(tensor.Float32, n*c), d.alloc(tensor.Float32, v*c)
	d.Embed(kernels.Embed{
		Out:   out,
		Table: table,
		IDs:   ids,
		N:     n,
		V:     v,
		C:     c,
	})
	d.EmbedBackward(kernels.EmbedBackward{
		DTable: dtable,
		DOut:   dout,
		IDs:    ids,
		N:      n,
		V:      v,
		C:      c,
	})
	if x, y := d.dot(dout, out), d.dot(dtable, table); x != y {
		t.Errorf("Embed: %v is not %v", x, y)
	}

	hidden, x, dx := d.hidden(0, 1, 1, 0, 0, 7, 0, 0, 1), d.integers(n*c, 3), d.alloc(tensor.Float32, n*c)
	value, dvalue := d.integers(c, 4), d.alloc(tensor.Float32, c)
	d.MaskedFill(kernels.MaskedFill{
		Y:      out,
		X:      x,
		Hidden: hidden,
		Value:  value,
		Rows:   n,
		Cols:   c,
	})
	d.MaskedFillBackward(kernels.MaskedFillBackward{
		DX:     dx,
		DY:     dout,
		Hidden: hidden,
		DValue: dvalue,
		Rows:   n,
		Cols:   c,
	})
	if x, y := d.dot(dout, out), d.dot(dx, x)+d.dot(dvalue, value); x != y {
		t.Errorf("MaskedFill: %v is not %v", x, y)
	}

	drop := kernels.Dropout{
		Draw:    d.ints(1, 2, 3, 4),
		Purpose: rng.Dropout,
		Rate:    0.5,
		Rows:    n,
		Cols:    c,
		Lines:   3,
	}
	forward, backward := drop, drop
	forward.Y, forward.X, backward.Y, backward.X = out, x, dx, dout
	d.Dropout(forward)
	d.Dropout(backward)
	if x, y := d.dot(dout, out), d.dot(dx, x); x != y {
		t.Errorf("Dropout: %v is not %v", x, y)
	}
}

func TestAllocKeepsToItsRoom(t *testing.T) {
	r := New()
	big, err := r.Alloc(tensor.Uint8, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Alloc(tensor.Float32, room/4); err == nil || !strings.Contains(err.Error(), "free") {
		t.Errorf("all the room and a mebibyte: %v", err)
	}
	r.Free(big)
	if r.used != 0 {
		t.Errorf("%d bytes are lost", r.used)
	}
}

func TestAttentionRefusesAStaleMask(t *testing.T) {
	d := device{t, New()}
	m := kernels.Mask{
		Batch:  1,
		T:      1,
		S:      2,
		Pos:    d.ints(0, 1),
		Lo:     d.ints(0),
		Hi:     d.ints(0),
		Tables: d.ints(0),
	}
	p := kernels.AttentionForward{
		T:    1,
		S:    2,
		H:    1,
		D:    1,
		Q:    kernels.Dense(d.floats(1), 1),
		K:    kernels.Dense(d.floats(1, 2), 1),
		V:    kernels.Dense(d.floats(3, 4), 1),
		Out:  kernels.Dense(d.floats(0), 1),
		LSE:  d.floats(0),
		Mask: m,
	}
	d.PrepareMask(m)
	d.Attention(p)
	d.Upload(m.Hi, []int32{1})
	defer func() {
		if recover() == nil {
			t.Error("a changed mask went through")
		}
	}()
	d.Attention(p)
}

// Out-of-range indices of every kernel that reads them are faults, and leave the outputs alone.
func TestIndicesOutOfRangeAreFaults(t *testing.T) {
	d := device{t, New()}
	matrix := func(b kernels.Buffer) kernels.Strided { return kernels.Dense(b, 2) }
	for name, call := range map[string]func(out kernels.Buffer){
		"embed": func(out kernels.Buffer) {
			d.Embed(kernels.Embed{
				Out:   out,
				Table: d.floats(1, 2),
				IDs:   d.ints(1),
				N:     1,
				V:     1,
				C:     2,
			})
		},
		"embed backward": func(out kernels.Buffer) {
			d.EmbedBackward(kernels.EmbedBackward{
				DTable: out,
				DOut:   d.floats(1, 2),
				IDs:    d.ints(-1),
				N:      1,
				V:      1,
				C:      2,
			})
		},
		"put rows": func(out kernels.Buffer) {
			d.PutRows(kernels.PutRows{
				Dst: matrix(out),
				Src: matrix(d.floats(1, 2)),
				At:  d.ints(1),
				N:   1,
				C:   2,
			})
		},
		"get rows": func(out kernels.Buffer) {
			d.GetRows(kernels.GetRows{
				Dst: matrix(out),
				Src: matrix(d.floats(1, 2)),
				At:  d.ints(1),
				N:   1,
				C:   2,
			})
		},
		"cross entropy": func(out kernels.Buffer) {
			d.CrossEntropy(kernels.CrossEntropy{
				Logits:  d.floats(1, 2),
				Targets: d.ints(2),
				N:       1,
				V:       2,
				NLL:     out,
			})
		},
	} {
		out := d.floats(5, 5)
		call(out)
		if err := d.Sync(); err == nil || !strings.HasPrefix(err.Error(), name+":") {
			t.Errorf("%s: %v", name, err)
		}
		if got := widen(out, 2, "out"); got[0] != 5 || got[1] != 5 {
			t.Errorf("%s wrote %v", name, got)
		}
	}
}
