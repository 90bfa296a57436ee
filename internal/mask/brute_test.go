package mask

import (
	"math/bits"
	"os"
	"slices"
	"testing"

	"dmtrain/internal/rng"
)

// long says whether the exhaustive families are enumerated in full.
func long() bool { return os.Getenv("DMTRAIN_LONG") == "1" }

// leaky is the definition of a leak after any number of layers, written without the package's own closure: sets are the
// bits of a word.
func leaky(p *Plan) bool {
	var sees, reach [16]uint16
	for i := range p.T {
		reach[i] = 1 << i
		for j := range p.T {
			if p.Mask.Visible(0, i, j) {
				sees[i] |= 1 << j
			}
		}
	}
	for again := true; again; {
		again = false
		for i := range p.T {
			r := reach[i]
			for s := sees[i]; s != 0; s &= s - 1 {
				r |= reach[bits.TrailingZeros16(s)]
			}
			again = again || r != reach[i]
			reach[i] = r
		}
	}
	for i, t := range p.Answer {
		if t >= 0 && p.Hidden[t] == 0 && reach[i]>>t&1 != 0 {
			return true
		}
	}
	return false
}

// judged counts masks by what certificate and closure say of them.
type judged struct{ sound, leaky, refused int }

// judge fails where the certificate passes a leak. Refused are the sound masks that it cannot prove so.
func (j *judged) judge(t *testing.T, p *Plan) {
	leaks, certified := leaky(p), p.Certify() == nil
	switch {
	case leaks && certified:
		t.Fatalf("certified, but leaks: %+v", *p)
	case leaks:
		j.leaky++
	case certified:
		j.sound++
	default:
		j.refused++
	}
}

// want guards against a family that tests nothing.
func (j *judged) want(t *testing.T, family string) {
	t.Helper()
	t.Logf("%s: %d certified, %d leaking, %d sound but refused", family, j.sound, j.leaky, j.refused)
	if j.sound == 0 || j.leaky == 0 {
		t.Errorf("%s: the family has only one kind of mask", family)
	}
}

// odometer counts in digits of the given sizes: next passes through every combination, or every stride-th.
type odometer struct{ sizes, digits []int }

func newOdometer(sizes ...int) *odometer {
	return &odometer{sizes: sizes, digits: make([]int, len(sizes))}
}

func (o *odometer) next(stride int) bool {
	carry := stride
	for d := range o.digits {
		v := o.digits[d] + carry
		o.digits[d], carry = v%o.sizes[d], v/o.sizes[d]
	}
	return carry == 0
}

func repeated(size, n int) []int { return slices.Repeat([]int{size}, n) }

// nextOrSelf gives every position the loss of the language model: the hidden ones their own token (or the next, under
// form input), the others the next.
func nextOrSelf(p *Plan) {
	for i := range p.T {
		p.Answer[i], p.Targets[i] = int32(i+1), 1
		if p.Hidden[i] != 0 && p.Mask.Pos[i] == Inf {
			p.Answer[i] = int32(i)
		} else if i == p.T-1 {
			p.Answer[i], p.Targets[i] = -1, -1
		}
	}
}

// Every look-ahead on index levels: hi in −1 … T−1, each token plain, filled or a slot.
func TestCertificateOnAllBoundsOverIndexLevels(t *testing.T) {
	strides := []int{1: 1, 2: 1, 3: 1, 4: 1, 5: 11, 6: 1000}
	if long() {
		strides = []int{1: 1, 2: 1, 3: 1, 4: 1, 5: 1, 6: 1}
	}
	var all judged
	for n, stride := range strides[1:] {
		n++
		p := bare(Mask{
			T:   n,
			S:   n,
			Pos: make([]int32, n),
			Lo:  make([]int32, n),
			Hi:  make([]int32, n),
		})
		o := newOdometer(append(repeated(n+1, n), repeated(3, n)...)...)
		for more := true; more; more = o.next(stride) {
			for i := range n {
				p.Mask.Hi[i] = int32(o.digits[i]) - 1
				p.Mask.Pos[i], p.Hidden[i] = int32(i), 0
				switch o.digits[n+i] {
				case 1:
					p.Hidden[i] = 1
				case 2:
					p.Mask.Pos[i], p.Hidden[i] = Inf, 1
				}
			}
			nextOrSelf(p)
			all.judge(t, p)
		}
	}
	all.want(t, "bounds over index levels")
}

// Every assignment of three levels (or Inf) and of bounds on them, any tokens hidden.
func TestCertificateOnAllSmallLevels(t *testing.T) {
	n, stride := 4, 37
	if long() {
		stride = 1
	}
	p := bare(Mask{
		T:   n,
		S:   n,
		Pos: make([]int32, n),
		Lo:  make([]int32, n),
		Hi:  make([]int32, n),
	})
	o := newOdometer(append(append(repeated(4, n), repeated(8, n)...), repeated(2, n)...)...)
	var all judged
	for more := true; more; more = o.next(stride) {
		for i := range n {
			p.Mask.Pos[i] = [...]int32{0, 1, 2, Inf}[o.digits[i]]
			p.Mask.Lo[i] = [...]int32{0, 0, 0, 1, 1, 2, 0, 0}[o.digits[n+i]]
			p.Mask.Hi[i] = [...]int32{0, 1, 2, 1, 2, 2, -1, Inf}[o.digits[n+i]]
			p.Hidden[i] = uint8(o.digits[2*n+i])
		}
		nextOrSelf(p)
		all.judge(t, p)
	}
	all.want(t, "three levels")
}

// Every second interval over three tags, with the first interval open.
func TestCertificateOnAllSmallSecondIntervals(t *testing.T) {
	n, stride := 4, 11
	if long() {
		stride = 1
	}
	m := Mask{
		T:   n,
		S:   n,
		Pos: make([]int32, n),
		Lo:  make([]int32, n),
		Hi:  make([]int32, n),
		Tag: make([]int32, n),
		A:   make([]int32, n),
		B:   make([]int32, n),
	}
	p := bare(m)
	o := newOdometer(append(append(repeated(3, n), repeated(6, n)...), repeated(2, n)...)...)
	var all judged
	for more := true; more; more = o.next(stride) {
		for i := range n {
			m.Tag[i] = int32(o.digits[i])
			m.A[i] = [...]int32{0, 0, 0, 1, 1, 2}[o.digits[n+i]]
			m.B[i] = [...]int32{0, 1, 2, 1, 2, 2}[o.digits[n+i]]
			p.Hidden[i] = uint8(o.digits[2*n+i])
		}
		nextOrSelf(p)
		all.judge(t, p)
	}
	all.want(t, "second interval")
}

// randomPlan draws a mask of up to 12 positions from one of several families, from wild to nearly sound.
func randomPlan(seed uint64, number int) *Plan {
	column := uint32(0)
	draw := func(n int) int32 {
		column++
		return int32(rng.Below(seed, rng.Probe, uint32(number), 0, column, n))
	}
	n := 2 + int(draw(11))
	m := Mask{
		T:   n,
		S:   n,
		Pos: make([]int32, n),
		Lo:  make([]int32, n),
		Hi:  make([]int32, n),
	}
	if draw(2) == 0 {
		m.Tag, m.A, m.B = make([]int32, n), make([]int32, n), make([]int32, n)
	}
	p := bare(m)
	wild := draw(4) // how far bounds stray: 0 not at all
	flipped := draw(2) == 0
	for i := range n {
		level := draw(n)
		m.Pos[i], m.Hi[i], m.Lo[i] = level, level+draw(1+int(wild)), max(0, level-draw(n))
		if flipped { // the same upside down: lo bounds, hi is loose
			m.Lo[i], m.Hi[i] = level-draw(1+int(wild)), level+draw(n)
		}
		if m.Tag != nil {
			m.Tag[i] = draw(n)
			m.A[i] = m.Tag[i] - draw(1+int(wild))
			m.B[i] = m.Tag[i] + draw(n)
		}
		switch draw(12) {
		case 0, 1:
			p.Hidden[i] = 1
		case 2, 3:
			p.Hidden[i], m.Pos[i], m.Hi[i] = 1, Inf, draw(n)
		case 4:
			m.Pos[i] = Inf // unseen, but not hidden
		case 5:
			m.Hi[i] = level - 1 // sees nothing at its own level
		case 6:
			m.Hi[i] = m.Hi[i] + (Inf-m.Hi[i])*(draw(3)/2) // bounded by nothing
		}
	}
	for i := range n {
		switch draw(6) {
		case 0, 1, 2:
			p.Answer[i], p.Targets[i] = draw(n), 1
		case 3:
			p.Answer[i], p.Targets[i] = int32(i), 1
		}
	}
	if draw(2) == 0 {
		nextOrSelf(p)
	}
	return p
}

func TestCertificateOnRandomMasks(t *testing.T) {
	var all judged
	for i := range 10_000 {
		all.judge(t, randomPlan(1, i))
	}
	all.want(t, "random")
}

// The package's exact closure against the definition, and its paths against the mask.
func TestLeaksAreExact(t *testing.T) {
	for i := range 2_000 {
		p := randomPlan(2, i)
		leaks := p.Leaks(0, p.T)
		if (len(leaks) > 0) != leaky(p) {
			t.Fatalf("closure finds %d leaks, the definition says %v: %+v", len(leaks), leaky(p), *p)
		}
		for _, l := range leaks {
			if l.Path[0] != l.Position || l.Path[len(l.Path)-1] != l.Answer {
				t.Fatalf("path %v does not lead from %d to %d", l.Path, l.Position, l.Answer)
			}
			for h := 1; h < len(l.Path); h++ {
				if !p.Mask.Visible(0, l.Path[h-1], l.Path[h]) {
					t.Fatalf("path %v: %d does not see %d", l.Path, l.Path[h-1], l.Path[h])
				}
			}
			if hops := len(l.Path) - 1; hops > 0 &&
				slices.ContainsFunc(p.Leaks(0, hops-1), func(o *Leak) bool { return o.Position == l.Position }) {
				t.Fatalf("path %v is not the shortest", l.Path)
			}
		}
	}
}
