package cpu

// rowProduct is the product of a single row, which is as fast as B can be read: its columns are cut into stretches long
// enough to be streams.
type rowProduct struct{ product }

// rowColumns is how many columns an item has.
func rowColumns(n int) int { return min(max(n/16/64*64, 384), 2048) }

func (p *rowProduct) run(w *worker, item int) {
	j0, j1 := span(item, rowColumns(p.n), p.n)
	c := p.c[j0:j1]
	start(c, nil, p.add, 0, j0)
	if p.bias != nil {
		p.prim.add(c, c, p.bias[j0:j1])
	}
	switch {
	case p.k == 0:
	case p.transB:
		p.dotRows(w, c, p.b[j0*p.k:])
	default:
		p.prim.addRows(c, p.a, p.b[j0:], p.n, p.k)
	}
	if p.gelu != nil {
		p.prim.gelu(p.gelu[j0:j1], c)
	}
}

// dotRows adds A's row times each of b's rows to c. What does not make whole blocks is turned first and multiplied
// as a strip.
func (p *rowProduct) dotRows(w *worker, c, b []float32) {
	n := len(c) / dotUnit * dotUnit
	if p.k%dotColumns != 0 {
		n = 0
	}
	if n > 0 {
		p.prim.dotRows(c[:n], p.a, b, p.k, p.k)
	}
	for ; n < len(c); n += p.prim.lanes {
		rest := min(p.prim.lanes, len(c)-n)
		turned := w.scratch(p.k * p.prim.lanes)
		p.prim.transpose(turned, p.prim.lanes, b[n*p.k:], p.k, rest, p.k, 1)
		p.prim.strip[1](c[n:], rest, c[n:], rest, nil, p.a, p.k, 1, turned, p.prim.lanes, 1, rest, p.k)
	}
}
