package mask

// certifySources proves in O(T+S) a row that no output but a slot's depends, through any number of layers, on
// source positions past those it sees. (No one attends to slots. What a slot sees after itself may have read more
// of the source; that is no answer.)
//
// The proof. Let M(h) be the largest bound of attendable positions at levels up to h. Suppose M(hi[i]) ≤ bound[i]
// for every attendable position and every output i. Then whatever i sees of its own stream has read no more than i,
// and by induction neither has what that sees. The same holds within the encoder, with a source token's place for
// its bound: there it is needed only if some bound is lower than the source's end.
func (p *Plan) certifySources() *Leak {
	for i := range p.Sources {
		s := &p.Sources[i]
		for b := range p.B {
			if l := p.certifySource(s, b); l != nil {
				return l
			}
		}
	}
	return nil
}

func (p *Plan) certifySource(s *SourcePlan, b int) *Leak {
	reads := order{
		level: p.Mask.Pos[b*p.T : (b+1)*p.T],
		hi:    p.Mask.Hi[b*p.T : (b+1)*p.T],
		bound: s.Cross.Hi[b*p.T : (b+1)*p.T],
	}
	exempt := func(i int) bool {
		return p.Mask.Pos[b*p.T+i] == Inf && (p.Targets[b*p.T+i] < 0 || p.Hidden[b*p.T+i] != 0)
	}
	if i, j := p.crossed(reads, exempt); i >= 0 {
		return &Leak{
			By:       ByCross,
			Step:     p.Step,
			Row:      p.First + b,
			Position: i,
			Answer:   int(reads.bound[j]),
			Path:     []int{i, j},
		}
	}
	from, to := b*s.Self.S, (b+1)*s.Self.S
	sources := order{level: s.Self.Pos[from:to], hi: s.Self.Hi[from:to], bound: s.Cross.Pos[from:to]}
	waits := p.firstWaiting(s, b, exempt)
	if waits < 0 {
		return nil
	}
	if j, later := p.crossed(sources, func(j int) bool { return s.Self.Pos[from+j] == Inf }); j >= 0 {
		return &Leak{
			By:       ByEncoder,
			Step:     p.Step,
			Row:      p.First + b,
			Position: waits,
			Answer:   later,
			Path:     []int{j, later},
		}
	}
	return nil
}

// firstWaiting is the first output of row b that does not see all of the source; −1 if there is none.
func (p *Plan) firstWaiting(s *SourcePlan, b int, exempt func(int) bool) int {
	last := int32(-1)
	for _, pos := range s.Cross.Pos[b*s.Cross.S : (b+1)*s.Cross.S] {
		if pos != Inf {
			last = max(last, pos)
		}
	}
	for i, bound := range s.Cross.Hi[b*p.T : (b+1)*p.T] {
		if bound < last && !exempt(i) {
			return i
		}
	}
	return -1
}

// order is what one row's positions see of each other, by level, and a bound that is not to be passed on.
type order struct{ level, hi, bound []int32 }

// crossed finds a position i, not exempt, and an attendable j at a level that i may see, whose bound is larger; −1
// if there is none. O(n).
func (p *Plan) crossed(o order, exempt func(i int) bool) (i, j int) {
	n := len(o.level)
	p.scratch = grow(p.scratch, n+1)
	largest := p.scratch // by level + 1: the place after that of the largest bound at levels up to it
	clear(largest)
	most := int32(0) // the same of all levels
	for j, level := range o.level {
		if most == 0 || o.bound[j] > o.bound[most-1] {
			most = int32(j + 1)
		}
		if level == Inf {
			continue
		}
		level = min(max(level, -1), int32(n-1))
		if at := largest[level+1]; at == 0 || o.bound[j] > o.bound[at-1] {
			largest[level+1] = int32(j + 1)
		}
	}
	for v := 1; v <= n; v++ {
		if a, b := largest[v-1], largest[v]; a > 0 && (b == 0 || o.bound[a-1] > o.bound[b-1]) {
			largest[v] = a
		}
	}
	for i, hi := range o.hi {
		at := largest[min(max(hi, -1), int32(n-1))+1]
		if hi == Inf { // it may see what no bound keeps from it
			at = most
		}
		if at > 0 && o.bound[at-1] > o.bound[i] && !exempt(i) {
			return i, int(at - 1)
		}
	}
	return -1, -1
}
