package cpu

// How a product is cut. None of it changes a bit of the result; see stripFunc.
const (
	// stepsK is how many steps of k are taken before the next strip: a strip of B this long stays in the
	// nearest caches while all rows of a block pass it.
	stepsK = 256
	// panelFloats bounds the packed part of B (and of a transposed A): it stays in the last cache.
	panelFloats = 1 << 20
	// packRows is from how many rows on packing B pays for itself.
	packRows = 48
	// itemSteps is about how many multiply-adds an item should have: some ten microseconds.
	itemSteps = 1 << 20
)

// product is one matrix product on vector registers: a panel of k and n at a time, B packed into strips, then blocks of
// C computed side by side.
type product struct {
	prim            *primitives
	c, a, b         []float32
	bias, add, gelu []float32
	m, n, k         int
	transA, transB  bool

	packed         []float32 // nil: B is read where it lies
	k0, k1, n0, n1 int       // the panel
	strips         strips    // of the panel's columns
	rows, group    int       // an item's rows and strips
}

// multiply runs the product.
func (b *Backend) multiply(p product) {
	packs := p.transB || (p.m >= packRows && p.n > maxStrip*p.prim.lanes)
	kPanel, nPanel := p.k, p.n
	if packs {
		kPanel = max(1, min(p.k, max(4*stepsK, panelFloats/max(1, p.n))))
		nPanel = max(1, min(p.n, panelFloats/kPanel))
	}
	lanes := p.prim.lanes
	nPanel = pieces(nPanel, maxStrip*lanes) * maxStrip * lanes
	for n0 := 0; n0 < p.n; n0 += nPanel {
		p.n0, p.n1 = n0, min(n0+nPanel, p.n)
		p.strips = cutStrips(lanes, p.n1-p.n0)
		for k0 := 0; k0 == 0 || k0 < p.k; k0 += kPanel {
			p.k0, p.k1 = k0, min(k0+kPanel, p.k)
			if packs {
				p.packed = b.scratch(p.strips.vectors * lanes * (p.k1 - p.k0))
				launch(b, &b.tasks.pack, packTask{p}, p.strips.count())
			}
			p.cut()
			launch(b, &b.tasks.product, p, pieces(p.m, p.rows)*pieces(p.strips.count(), p.group))
		}
	}
}

// cut chooses an item's size from the panel's.
func (p *product) cut() {
	const maxRows, unit = 128, 8
	perRow := (p.k1 - p.k0) * (p.n1 - p.n0)
	p.rows = min(maxRows, max(unit, itemSteps/max(1, perRow)/unit*unit))
	p.group = p.strips.count()
	for p.group > 1 && min(p.rows, p.m)*perRow/p.strips.count()*p.group > itemSteps {
		p.group = pieces(p.group, 2)
	}
}

func (p *product) run(_ *worker, item int) {
	groups := pieces(p.strips.count(), p.group)
	i0, i1 := span(item/groups, p.rows, p.m)
	s0, s1 := span(item%groups, p.group, p.strips.count())
	for k0 := p.k0; k0 == p.k0 || k0 < p.k1; k0 += stepsK {
		k1 := min(k0+stepsK, p.k1)
		for s := s0; s < s1; s++ {
			p.strip(s, i0, i1, k0, k1)
		}
	}
	if p.gelu != nil && p.k1 == p.k {
		j0, _, _ := p.strips.at(s0)
		j1, n, _ := p.strips.at(s1 - 1)
		for i := i0; i < i1; i++ {
			from, to := i*p.n+p.n0+j0, i*p.n+p.n0+j1+n
			p.prim.gelu(p.gelu[from:to], p.c[from:to])
		}
	}
}

// strip computes rows i0 … i1−1 of a strip over k0 … k1−1.
func (p *product) strip(s, i0, i1, k0, k1 int) {
	j, n, width := p.strips.at(s)
	c := p.c[i0*p.n+p.n0+j:]
	init, bias := c, []float32(nil)
	if k0 == 0 {
		init = nil
		if p.add != nil {
			init = p.add[i0*p.n+p.n0+j:]
		}
		if p.bias != nil {
			bias = p.bias[p.n0+j:]
		}
	}
	var b []float32
	ldb := p.n
	switch {
	case k0 == k1:
	case p.packed != nil:
		ldb = width * p.prim.lanes
		b = p.packed[j*(p.k1-p.k0)+(k0-p.k0)*ldb:]
	default:
		b = p.b[k0*p.n+p.n0+j:]
	}
	a, sam, sak := p.a, p.k, 1
	if p.transA {
		sam, sak = 1, p.m
	}
	if k0 < k1 {
		a = a[i0*sam+k0*sak:]
	}
	p.prim.strip[width](c, p.n, init, p.n, bias, a, sam, sak, b, ldb, i1-i0, n, k1-k0)
}

// packTask copies one strip of op(B)'s panel per item, its rows side by side, filled up to whole vectors.
type packTask struct{ product }

func (p *packTask) run(_ *worker, item int) {
	j, n, width := p.strips.at(item)
	k, ld := p.k1-p.k0, width*p.prim.lanes
	dst := p.packed[j*k:][:k*ld]
	if p.transB {
		p.prim.transpose(dst, ld, p.b[(p.n0+j)*p.k+p.k0:], p.k, n, k, 1)
	} else {
		for i := range k {
			copy(dst[i*ld:i*ld+n], p.b[(p.k0+i)*p.n+p.n0+j:])
		}
	}
	if n < ld {
		for i := range k {
			clear(dst[i*ld+n : (i+1)*ld])
		}
	}
}
