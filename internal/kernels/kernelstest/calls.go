package kernelstest

import (
	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/fixture"
	"dmtrain/internal/tensor"
)

// examples are calls of every operation in float32, until the test ends.
func (d *device) examples(z fixture.Shape) []*fixture.Call {
	d.Helper()
	var all []*fixture.Call
	for _, e := range fixture.Examples() {
		all = append(all, d.example(e, z))
	}
	return all
}

func (d *device) example(e fixture.Example, z fixture.Shape) *fixture.Call {
	d.Helper()
	c, err := e.On(d.k, tensor.Float32, z)
	if err != nil {
		d.Fatal(err)
	}
	d.Cleanup(c.Free)
	return c
}

// ids is n token ids below v.
func (d *device) ids(n, v int) kernels.Buffer {
	return d.ints(below(1, 0, n, v)...)
}

// constants is n times v on the device.
func (d *device) constants(n int, v float32) kernels.Buffer {
	x := make([]float32, n)
	for i := range x {
		x[i] = v
	}
	return d.put(tensor.Float32, x)
}

// pairs counts visible pairs.
func (m *hostMask) pairs() int {
	n := 0
	for row := range m.batch {
		for i := range m.t {
			for j := range m.s {
				if m.visible(row, i, j) {
					n++
				}
			}
		}
	}
	return n
}
