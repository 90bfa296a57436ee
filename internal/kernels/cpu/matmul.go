package cpu

// How a product is cut. None of it changes a bit of the result; see stripFunc.
const (
	// stepsK is how many steps of k are taken before the next strip: a strip of B this long stays in the
	// nearest caches while all rows of a block pass it.
	stepsK = 384
	// panelFloats bounds the packed part of B (and of a transposed A): it stays in the last cache.
	panelFloats = 1 << 20
	// itemSteps is about how many multiply-adds an item should have: some ten microseconds.
	itemSteps = 1 << 20
	// An item has minRows … maxRows rows, whole register blocks: enough to repay fetching a strip of B. Where there
	// are manyItems, it has the most: B comes from far then.
	minRows, maxRows, rowUnit = 64, 128, 8
	fewRows, manyItems        = 16, 128
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
	turned         []float32 // the panel of a transposed A, its rows lda apart; nil: A is read where it lies
	lda            int
	k0, k1, n0, n1 int    // the panel
	strips         strips // of the panel's columns
	rows, group    int    // an item's rows and strips
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
		kPanel = panelSteps(kPanel, p.n)
		nPanel = max(1, min(p.n, panelFloats/kPanel))
	}
	if p.turns() {
		kPanel = panelSteps(kPanel, p.m)
	}
	lanes := p.prim.lanes
	nPanel = pieces(nPanel, maxStrip*lanes) * maxStrip * lanes
	for n0 := 0; n0 < p.n; n0 += nPanel {
		p.n0, p.n1 = n0, min(n0+nPanel, p.n)
		p.strips = cutStrips(lanes, p.n1-p.n0)
		for k0 := 0; k0 == 0 || k0 < p.k; k0 += kPanel {
			p.k0, p.k1 = k0, min(k0+kPanel, p.k)
			p.makeRoom(b, packs)
			pack := packTask{p}
			if items := pack.items(); items > 0 {
				launch(b, &b.tasks.pack, pack, items)
			}
			p.cut()
			launch(b, &b.tasks.product, p, pieces(p.m, p.rows)*pieces(p.strips.count(), p.group))
		}
	}
}

// panelSteps is how many of k steps a panel of an operand has, at so many elements a step.
func panelSteps(k, elements int) int {
	return max(1, min(k, max(4*stepsK, panelFloats/max(1, elements))))
}

// cut chooses an item's size from the panel's: as many rows as repay fetching a strip of B, then as many strips as
// make an item.
func (p *product) cut() {
	perRow := max(1, (p.k1-p.k0)*(p.n1-p.n0))
	p.rows = min(maxRows, max(minRows, itemSteps/perRow/rowUnit*rowUnit))
	if p.m*perRow >= manyItems*itemSteps {
		p.rows = maxRows
	}
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
	a, sam, sak := p.operand(i0, k0)
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
	p.prim.strip[width](c, p.n, init, p.n, bias, a, sam, sak, b, ldb, i1-i0, n, k1-k0)
}

// operand is op(A) from row i0 and column k0 on, and its strides.
func (p *product) operand(i0, k0 int) (a []float32, sam, sak int) {
	switch {
	case k0 == p.k: // there is no such column
		return nil, 0, 0
	case p.turned != nil:
		return p.turned[i0*p.lda+k0-p.k0:], p.lda, 1
	case p.transA:
		return p.a[i0+k0*p.m:], 1, p.m
	}
	return p.a[i0*p.k+k0:], p.k, 1
}
