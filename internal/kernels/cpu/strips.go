package cpu

// stripFunc sets C = Init + Bias + A·B for m rows and one strip of C, n columns of at most maxStrip vectors. A's
// element (i, k) is a[i·sam+k·sak]; rows of B, C and Init are ldb, ldc and ldi apart. Init and bias may be nil.
//
// Each element of C is one chain of fused multiply-adds in ascending k, begun at Init + Bias. So cutting m, n
// or k anywhere, or computing a row alone, gives the same bits.
type stripFunc func(c []float32, ldc int, init []float32, ldi int, bias []float32, a []float32, sam, sak int,
	b []float32, ldb int, m, n, k int)

// maxStrip is the widest strip, in vectors, and maxLanes the widest vector.
const (
	maxStrip = 3
	maxLanes = 16
)

// strips cuts n columns into strips: as many of the widest as there can be, but no strip of one vector where two of
// two do, because the narrowest cannot hide the latency of its additions.
type strips struct {
	lanes, n int
	vectors  int
	wide     int // strips of maxStrip vectors, which come first
}

func cutStrips(lanes, n int) strips {
	s := strips{lanes: lanes, n: n, vectors: pieces(n, lanes)}
	s.wide = s.vectors / maxStrip
	if s.vectors%maxStrip == 1 && s.wide > 0 {
		s.wide--
	}
	return s
}

func (s *strips) count() int {
	return s.wide + pieces(s.vectors-s.wide*maxStrip, maxStrip-1)
}

// at is strip i: its first column, how many columns it has and its width in vectors.
func (s *strips) at(i int) (from, n, width int) {
	first, size := i*maxStrip, maxStrip
	if i >= s.wide {
		first, size = s.wide*maxStrip+(i-s.wide)*(maxStrip-1), maxStrip-1
	}
	width = min(size, s.vectors-first)
	from = first * s.lanes
	return from, min(width*s.lanes, s.n-from), width
}
