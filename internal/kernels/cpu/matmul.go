package cpu

// How a product is cut. None of it changes a bit of the result; see stripFunc.
const (
	// stepsK is how many steps of k are taken before the next strip: a strip of B this long stays in the
	// nearest caches while all rows of a block pass it.
	stepsK = 384
	// panelFloats bounds the packed part of B (and of a transposed A): it stays in the last cache.
	panelFloats = 1 << 20
	// packRows is from how many rows on packing B pays for itself, where its rows are wide or it has to be turned;
	// manyRows is that number for every B above smallFloats, which the caches nearest hold as it lies.
	packRows, manyRows = 48, 256
	wideColumns        = 1024
	smallFloats        = 1 << 16
	// itemSteps is about how many multiply-adds an item should have: some ten microseconds.
	itemSteps = 1 << 20
	// An item has minRows … maxRows rows, whole register blocks: enough to repay fetching a strip of B.
	minRows, maxRows, rowUnit = 64, 128, 8
	fewRows                   = 16
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
	if p.m == 1 {
		launch(b, &b.tasks.rowProduct, rowProduct{p}, pieces(p.n, rowColumns(p.n)))
		return
	}
	packs := p.packs()
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

// packs reports whether B is packed for all rows at once. With few rows a B to be turned is packed strip by strip in passing.
func (p *product) packs() bool {
	if p.transB {
		return p.m >= packRows
	}
	return p.k*p.n > smallFloats && (p.m >= manyRows || p.m >= packRows && p.n >= wideColumns)
}

// cut chooses an item's size from the panel's: as many rows as repay fetching a strip of B, then as many strips as make an item.
func (p *product) cut() {
	perRow := max(1, (p.k1-p.k0)*(p.n1-p.n0))
	p.rows = min(maxRows, max(minRows, itemSteps/perRow/rowUnit*rowUnit))
	p.group = p.strips.count()
	steps := max(fewRows, min(p.rows, p.m)) // with fewer rows than these, fetching B is what costs
	for p.group > 1 && steps*perRow/p.strips.count()*p.group > itemSteps {
		p.group = pieces(p.group, 2)
	}
}

func (p *product) run(w *worker, item int) {
	groups := pieces(p.strips.count(), p.group)
	i0, i1 := span(item/groups, p.rows, p.m)
	s0, s1 := span(item%groups, p.group, p.strips.count())
	for k0 := p.k0; k0 == p.k0 || k0 < p.k1; k0 += stepsK {
		k1 := min(k0+stepsK, p.k1)
		for s := s0; s < s1; s++ {
			p.strip(w, s, i0, i1, k0, k1)
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
func (p *product) strip(w *worker, s, i0, i1, k0, k1 int) {
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
	a, sam, sak := p.a, p.k, 1
	if p.transA {
		sam, sak = 1, p.m
	}
	var b []float32
	ldb := width * p.prim.lanes
	switch {
	case k0 == k1: // nothing to add
		a = nil
	case p.packed != nil:
		b = p.packed[j*(p.k1-p.k0)+(k0-p.k0)*ldb:]
	case p.transB: // packed here and now, for few rows
		b = w.scratch(ldb * (k1 - k0))
		p.pack(b, s, k0, k1)
	default:
		b, ldb = p.b[k0*p.n+p.n0+j:], p.n
	}
	if a != nil {
		a = a[i0*sam+k0*sak:]
	}
	p.prim.strip[width](c, p.n, init, p.n, bias, a, sam, sak, b, ldb, i1-i0, n, k1-k0)
}

// pack copies rows k0 … k1−1 of one strip of op(B) to dst, side by side, filled up to whole vectors.
func (p *product) pack(dst []float32, s, k0, k1 int) {
	j, n, width := p.strips.at(s)
	k, ld := k1-k0, width*p.prim.lanes
	if p.transB {
		p.prim.transpose(dst, ld, p.b[(p.n0+j)*p.k+k0:], p.k, n, k, 1)
	} else {
		for i := range k {
			copy(dst[i*ld:i*ld+n], p.b[(k0+i)*p.n+p.n0+j:])
		}
	}
	if n < ld {
		for i := range k {
			clear(dst[i*ld+n : (i+1)*ld])
		}
	}
}

// packTask packs one strip of the panel per item.
type packTask struct{ product }

func (p *packTask) run(_ *worker, item int) {
	j, _, _ := p.strips.at(item)
	p.pack(p.packed[j*(p.k1-p.k0):], item, p.k0, p.k1)
}
