package cpu

// How operands are packed. None of it changes a bit of the result.
const (
	// packRows is from how many rows on packing B pays for itself, where its rows are wide or it has to be turned;
	// manyRows is that number for every B above smallFloats, which the caches nearest hold as it lies.
	packRows, manyRows = 48, 256
	wideColumns        = 1024
	smallFloats        = 1 << 16

	// packStep rows of B, or turnStep of a transposed A, are packed or turned as one item.
	packStep, turnStep = 16, 32
	// Turned rows are turnPad further apart than they are long: rows of a power of two would all fall on the same
	// lines of the cache.
	turnPad = 16
)

// packs reports whether B is packed for all rows at once. With few rows a B to be turned is packed strip by strip
// in passing.
func (p *product) packs() bool {
	if p.transB {
		return p.m >= packRows
	}
	return p.k*p.n > smallFloats && (p.m >= manyRows || p.m >= packRows && p.n >= wideColumns)
}

// turns reports whether a transposed A is turned before, for all strips at once. As it lies, each step of k is on
// another line of the cache, and often on one of the same few; but turning costs, too, so the product has to be
// large.
func (p *product) turns() bool { return p.transA && p.m*p.n >= p.prim.turnFrom }

// makeRoom gives the panel room for what is packed and turned of it.
func (p *product) makeRoom(b *Backend, packs bool) {
	k, ofB, ofA := p.k1-p.k0, 0, 0
	if packs {
		ofB = p.strips.vectors * p.strips.lanes * k
	}
	if p.turns() {
		p.lda = k + turnPad
		ofA = p.m * p.lda
	}
	room := b.scratch(ofB + ofA)
	p.packed, p.turned = nil, nil
	if ofB > 0 {
		p.packed = room[:ofB]
	}
	if ofA > 0 {
		p.turned = room[ofB:]
	}
}

// pack turns rows k0 … k1−1 of one strip of a transposed B into dst, side by side, filled up to whole vectors.
func (p *product) pack(dst []float32, s, k0, k1 int) {
	j, n, width := p.strips.at(s)
	k, ld := k1-k0, width*p.prim.lanes
	p.prim.transpose(dst, ld, p.b[(p.n0+j)*p.k+k0:], p.k, n, k, 1)
	if n < ld {
		for i := range k {
			clear(dst[i*ld+n : (i+1)*ld])
		}
	}
}

// packTask packs the panel of B: one strip per item, or, of a B that isn't turned in doing so, packStep rows. Then
// it turns the panel of A, turnStep rows an item.
type packTask struct{ product }

func (p *packTask) items() int { return p.itemsOfB() + p.itemsOfA() }

func (p *packTask) itemsOfB() int {
	switch {
	case p.packed == nil:
		return 0
	case p.transB:
		return p.strips.count()
	}
	return pieces(p.k1-p.k0, packStep)
}

func (p *packTask) itemsOfA() int {
	if p.turned == nil {
		return 0
	}
	return pieces(p.m, turnStep)
}

func (p *packTask) run(_ *worker, item int) {
	k, ofB := p.k1-p.k0, p.itemsOfB()
	switch {
	case item >= ofB:
		i0, i1 := span(item-ofB, turnStep, p.m)
		p.prim.transpose(p.turned[i0*p.lda:], p.lda, p.a[p.k0*p.m+i0:], p.m, k, i1-i0, 1)
	case p.transB:
		j, _, _ := p.strips.at(item)
		p.pack(p.packed[j*k:], item, p.k0, p.k1)
	default:
		from, to := span(item, packStep, k)
		for i := from; i < to; i++ {
			p.packRow(i)
		}
	}
}

// packRow packs row i of the panel, which is read from its beginning to its end.
func (p *packTask) packRow(i int) {
	k, row := p.k1-p.k0, p.b[(p.k0+i)*p.n+p.n0:]
	for s := range p.strips.count() {
		j, n, width := p.strips.at(s)
		ld := width * p.prim.lanes
		dst := p.packed[j*k+i*ld:][:ld]
		copy(dst, row[j:j+n])
		clear(dst[n:])
	}
}
