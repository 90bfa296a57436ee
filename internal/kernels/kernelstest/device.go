package kernelstest

import (
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// device is one backend's memory, for tests that need no reference.
type device struct {
	testing.TB
	k kernels.Backend
}

// alloc is n elements until the test ends.
func (d *device) alloc(dt tensor.DType, n int) kernels.Buffer {
	d.Helper()
	b := alloc(d.TB, d.k, dt, n)
	d.Cleanup(func() { d.k.Free(b) })
	return b
}

// put is values on the device.
func (d *device) put(dt tensor.DType, values any) kernels.Buffer {
	d.Helper()
	b := d.alloc(dt, length(values))
	d.k.Upload(b, values)
	return b
}

// ints is int32 values on the device.
func (d *device) ints(values ...int32) kernels.Buffer {
	d.Helper()
	return d.put(tensor.Int32, values)
}

// normal is n standard normal draws on the device; stream tells buffers apart.
func (d *device) normal(dt tensor.DType, stream uint32, n int) kernels.Buffer {
	d.Helper()
	return d.put(dt, normals(1, stream, n, 1))
}

// poisoned is n elements of NaN.
func (d *device) poisoned(dt tensor.DType, n int) kernels.Buffer {
	d.Helper()
	b := d.alloc(dt, n)
	d.poison(b)
	return b
}

func (d *device) poison(b kernels.Buffer) {
	bytes := make([]uint8, b.Len()*b.DType().Size())
	for i := range bytes {
		bytes[i] = poison
	}
	d.k.Upload(d.k.Slice(b, tensor.Uint8, 0, len(bytes)), bytes)
}

// floats reads a buffer.
func (d *device) floats(b kernels.Buffer) []float32 {
	d.Helper()
	x := make([]float32, b.Len())
	if err := d.k.Download(x, b); err != nil {
		d.Fatal(err)
	}
	return x
}

// bits reads a buffer's bytes.
func (d *device) bits(b kernels.Buffer) []uint8 {
	d.Helper()
	n := b.Len() * b.DType().Size()
	x := make([]uint8, n)
	if err := d.k.Download(x, d.k.Slice(b, tensor.Uint8, 0, n)); err != nil {
		d.Fatal(err)
	}
	return x
}

// rows views n rows of a dense matrix.
func (d *device) rows(b kernels.Buffer, from, n, cols int) kernels.Buffer {
	return d.k.Slice(b, b.DType(), from*cols*b.DType().Size(), n*cols)
}

// mask is a prepared mask for rows from … from+n−1 of m.
func (d *device) mask(m *hostMask, from, n int) kernels.Mask {
	d.Helper()
	query, key := func(v []int32) kernels.Buffer {
		if v == nil {
			return nil
		}
		return d.put(tensor.Int32, v[from*m.t:][:n*m.t])
	}, func(v []int32) kernels.Buffer {
		if v == nil {
			return nil
		}
		return d.put(tensor.Int32, v[from*m.s:][:n*m.s])
	}
	out := kernels.Mask{
		Batch:  n,
		T:      m.t,
		S:      m.s,
		Pos:    key(m.pos),
		Lo:     query(m.lo),
		Hi:     query(m.hi),
		Tag:    query(m.tag),
		A:      key(m.a),
		B:      key(m.b),
		Tables: d.put(tensor.Int32, rubbish(d.k.MaskTablesLen(n, m.t, m.s))),
	}
	d.k.PrepareMask(out)
	return out
}
