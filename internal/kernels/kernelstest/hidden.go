package kernelstest

import (
	"bytes"
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

const huge = 3e38 // a product with it overflows

// testHiddenKeys puts huge numbers where they must not matter: the bits must be as if they were not there.
func (s *suite) testHiddenKeys(t *testing.T) {
	s.eachFloat(t, func(t *testing.T, dt tensor.DType) {
		for _, f := range maskFamilies() {
			t.Run(f.name, func(t *testing.T) { s.unseenRowsDoNotMatter(t, dt, f) })
		}
		t.Run("later keys", func(t *testing.T) { s.laterKeysDoNotMatter(t, dt) })
	})
}

// selfAttention is one attention on a device, T = S: its inputs, and its outputs as bytes.
type selfAttention struct {
	d             *device
	host          *hostMask
	dt            tensor.DType
	h, width      int
	q, k, v, dout []float32
	out, lse      []uint8
	dq, dk, dv    []uint8
}

func newSelfAttention(d *device, dt tensor.DType, m *hostMask) *selfAttention {
	a := &selfAttention{
		d:     d,
		host:  m,
		dt:    dt,
		h:     2,
		width: 64,
	}
	n := m.batch * m.t * a.width
	a.q, a.k, a.v, a.dout = normals(1, 1, n, 1), normals(1, 2, n, 1), normals(1, 3, n, 1), normals(1, 4, n, 1)
	return a
}

// run computes forward and backward and keeps the bits.
func (a *selfAttention) run() {
	d, m, n := a.d, a.host, len(a.q)
	lines := m.batch * a.h * m.t
	q, k, v := d.put(a.dt, a.q), d.put(a.dt, a.k), d.put(a.dt, a.v)
	out, lse, mask := d.poisoned(a.dt, n), d.poisoned(tensor.Float32, lines), d.mask(m, 0, m.batch)
	matrix := func(b kernels.Buffer) kernels.Strided { return kernels.Dense(b, a.width) }
	d.k.Attention(kernels.AttentionForward{
		T:    m.t,
		S:    m.s,
		H:    a.h,
		D:    a.width / a.h,
		Q:    matrix(q),
		K:    matrix(k),
		V:    matrix(v),
		Out:  matrix(out),
		LSE:  lse,
		Mask: mask,
	})
	a.out, a.lse = d.bits(out), d.bits(lse)
	dq, dk, dv := d.poisoned(a.dt, n), d.poisoned(a.dt, n), d.poisoned(a.dt, n)
	d.k.AttentionBackward(kernels.AttentionBackward{
		T:     m.t,
		S:     m.s,
		H:     a.h,
		D:     a.width / a.h,
		DQ:    matrix(dq),
		DK:    matrix(dk),
		DV:    matrix(dv),
		Q:     matrix(q),
		K:     matrix(k),
		V:     matrix(v),
		Out:   matrix(out),
		DOut:  matrix(d.put(a.dt, a.dout)),
		LSE:   lse,
		Delta: d.poisoned(tensor.Float32, lines),
		Mask:  mask,
	})
	a.dq, a.dk, a.dv = d.bits(dq), d.bits(dk), d.bits(dv)
}

// spoil overwrites rows of x with huge numbers of both signs.
func (a *selfAttention) spoil(x []float32, which func(row, at int) bool) {
	for i := range x {
		if r := i / a.width; which(r/a.host.t, r%a.host.t) {
			x[i] = huge * float32(1-2*(i%2))
		}
	}
}

func (s *suite) unseenRowsDoNotMatter(t *testing.T, dt tensor.DType, f maskFamily) {
	tr := s.trial(t)
	m := newMask(2, 70, 70)
	f.make(tr, m)
	clean := newSelfAttention(&device{t, s.k}, dt, m)
	clean.run()
	spoilt := newSelfAttention(&device{t, s.k}, dt, m)
	spoilt.spoil(spoilt.k, m.unseen)
	spoilt.spoil(spoilt.v, m.unseen)
	spoilt.spoil(spoilt.q, m.blind)
	spoilt.spoil(spoilt.dout, m.blind)
	spoilt.run()
	for _, c := range []struct {
		name          string
		clean, spoilt []uint8
	}{
		{"Out", clean.out, spoilt.out}, {"LSE", clean.lse, spoilt.lse},
		{"DQ", clean.dq, spoilt.dq}, {"DK", clean.dk, spoilt.dk}, {"DV", clean.dv, spoilt.dv},
	} {
		if !bytes.Equal(c.clean, c.spoilt) {
			t.Errorf("%s changes with what hidden keys and queries that see nothing hold", c.name)
		}
	}
}

// laterKeysDoNotMatter spoils the second half under a causal mask: the first half's queries must not notice.
func (s *suite) laterKeysDoNotMatter(t *testing.T, dt tensor.DType) {
	m := newMask(1, 131, 131)
	causal(nil, m)
	clean := newSelfAttention(&device{t, s.k}, dt, m)
	clean.run()
	for _, from := range []int{1, 40, 64, 130} {
		spoilt := newSelfAttention(&device{t, s.k}, dt, m)
		later := func(_, j int) bool { return j >= from }
		spoilt.spoil(spoilt.k, later)
		spoilt.spoil(spoilt.v, later)
		spoilt.run()
		n := from * clean.width * dt.Size()
		if !bytes.Equal(clean.out[:n], spoilt.out[:n]) {
			t.Errorf("outputs before %d change with later keys", from)
		}
		if !bytes.Equal(clean.dq[:n], spoilt.dq[:n]) {
			t.Errorf("gradients of queries before %d change with later keys", from)
		}
	}
}
