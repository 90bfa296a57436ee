package mask

// Certify proves in O(T+S) a row that no output of p depends on its own answer, nor on more of a source than it is
// to see, through any number of layers and whatever the weights. The error is a *Leak. Nothing is allocated while
// all is well.
//
// The proof. Call a position attendable if someone can see it (pos < Inf; a query with hi = Inf could see anything,
// and is refused unless its answer is hidden). Suppose every attendable j has hi[j] ≤ pos[j]: it looks no higher
// than its own level. Then R(i), everything that can reach output i, holds besides i only contents k with pos[k] ≤
// hi[i]: what i sees lies at levels ≤ hi[i], what those see lies no higher, and so on. So an answer at t is safe if
// it is hidden (its content is in no input), or if t ≠ i and pos[t] > hi[i].
//
// The argument holds for any of the four inequalities of visibility, since dropping the other three only adds edges:
//
//	order   every attendable j   then t is out of i's reach if
//	hi      hi[j]  ≤ pos[j]      pos[t] > hi[i]
//	lo      lo[j]  ≥ pos[j]      pos[t] < lo[i]
//	a       tag[j] ≤ a[j]        a[t]   > tag[i]
//	b       tag[j] ≥ b[j]        b[t]   < tag[i]
//
// Every structure and form of this package lives by the first, block diffusion and trees by the third. The certificate
// is sufficient, not necessary: masks whose safety hangs on more than one order at once, or on a small number of
// layers, are refused though Leaks finds nothing.
func (p *Plan) Certify() error {
	for b := range p.B {
		r := p.row(b)
		if i := r.uncertified(r.validOrders(), 0); i >= 0 {
			return p.refusal(b, i)
		}
	}
	if l := p.certifySources(); l != nil { // a nil *Leak in an error would not be nil
		return l
	}
	return nil
}

// refusal tells of the first position of row b that can learn its answer or, if none can, of the first position, first,
// that cannot be proved not to.
func (p *Plan) refusal(b, first int) *Leak {
	r := p.row(b)
	valid := r.validOrders()
	for i := first; i >= 0; i = r.uncertified(valid, i+1) {
		if l := p.leak(ByCertificate, b, i); l.Path != nil {
			return l
		}
	}
	return p.leak(ByCertificate, b, first)
}

// uncertified is the first position at or after from whose answer may reach it; −1 if there is none.
func (r *row) uncertified(valid orders, from int) int {
	for i := from; i < len(r.answer); i++ {
		t := int(r.answer[i])
		if t >= 0 && r.hidden[t] == 0 && !r.outOfReach(valid, i, t) {
			return i
		}
	}
	return -1
}

// row is one row of a plan.
type row struct {
	pos, lo, hi []int32
	tag, a, b   []int32 // nil without a second interval
	hidden      []uint8
	answer      []int32
}

func (p *Plan) row(b int) row {
	from, to := b*p.T, (b+1)*p.T
	m := &p.Mask
	r := row{
		pos:    m.Pos[from:to],
		lo:     m.Lo[from:to],
		hi:     m.Hi[from:to],
		hidden: p.Hidden[from:to],
		answer: p.Answer[from:to],
	}
	if m.Tag != nil {
		r.tag, r.a, r.b = m.Tag[from:to], m.A[from:to], m.B[from:to]
	}
	return r
}

// orders says which of the four inequalities no attendable position crosses.
type orders struct{ hi, lo, a, b bool }

func (r *row) validOrders() orders {
	v := orders{
		hi: true,
		lo: true,
		a:  r.tag != nil,
		b:  r.tag != nil,
	}
	unbounded := false
	for j, pos := range r.pos {
		unbounded = unbounded || r.hi[j] == Inf
		if pos == Inf {
			continue
		}
		v.hi = v.hi && r.hi[j] <= pos
		v.lo = v.lo && r.lo[j] >= pos
		if r.tag != nil {
			v.a = v.a && r.tag[j] <= r.a[j]
			v.b = v.b && r.tag[j] >= r.b[j]
		}
	}
	if unbounded {
		return orders{}
	}
	return v
}

// outOfReach says whether some valid order keeps the content at t from output i.
func (r *row) outOfReach(v orders, i, t int) bool {
	if t == i {
		return false
	}
	return v.hi && r.pos[t] > r.hi[i] ||
		v.lo && r.pos[t] < r.lo[i] ||
		v.a && r.a[t] > r.tag[i] ||
		v.b && r.b[t] < r.tag[i]
}
