package data

import (
	"slices"

	"dmtrain/internal/batch"
	"dmtrain/internal/rng"
)

// PairShape is a size of batch: Rows pairs of at most S source and T target tokens.
type PairShape struct{ Rows, S, T int }

// Batch allocates b pairs of the shape's lengths. Targets are the predicted stream; sources are Sources[0]. A row
// without a pair is padding.
func (s PairShape) Batch(b int) *batch.Batch { return batch.New(b, s.T, s.S) }

// Fill fills rows with the pairs of the given indices; −1, and rows beyond them, become padding.
func (p *Pairs) Fill(dst *batch.Batch, which []int) {
	for r := range dst.B {
		var source, target []int32
		if r < len(which) && which[r] >= 0 {
			source, target = p.source[which[r]], p.target[which[r]]
		}
		dst.Document(r, target)
		dst.Sources[0].Document(r, source)
	}
}

// PairLoader draws the batches of training steps. A batch is of one bucket, of pairs of similar length. Every epoch has
// each pair once, in an order of its own. A step's batch is a function of seed, pairs and step alone.
type PairLoader struct {
	pairs   *Pairs
	seed    uint64
	buckets [][]int // indices of pairs
	shapes  []PairShape
	steps   int // an epoch
	targets int // predicted tokens an epoch

	epoch   int // of order and batches; −1 before any
	order   [][]int
	batches [][2]int // bucket, first pair in it
}

// NewPairLoader makes at most the given number of buckets, with the least padding an epoch, each with as many rows as
// fit into a step of tokens tokens.
func NewPairLoader(p *Pairs, seed uint64, buckets, tokens int) *PairLoader {
	l := &PairLoader{pairs: p, seed: seed, epoch: -1}
	for _, members := range p.buckets(buckets, tokens) {
		shape := p.shape(members)
		shape.Rows = min(max(1, tokens/(shape.S+shape.T)), len(members))
		l.buckets, l.shapes = append(l.buckets, members), append(l.shapes, shape)
		l.steps += (len(members) + shape.Rows - 1) / shape.Rows
		l.targets += p.targets(members)
	}
	return l
}

// buckets are the indices of the pairs in each bucket.
func (p *Pairs) buckets(most, tokens int) [][]int {
	sources, targets := make([]int, p.Len()), make([]int, p.Len())
	for i := range p.source {
		sources[i], targets[i] = len(p.source[i]), len(p.target[i])
	}
	bounds := newBucketBounds(sources, targets)
	ranges := bounds.choose(most, tokens)
	members := make([][]int, len(ranges))
	for i := range p.source {
		s, t := bounds.cell(sources[i], targets[i])
		b := slices.IndexFunc(ranges, func(r bucketRange) bool { return r.holds(s, t) })
		members[b] = append(members[b], i)
	}
	return slices.DeleteFunc(members, func(m []int) bool { return len(m) == 0 })
}

// shape is the smallest shape that holds some pairs.
func (p *Pairs) shape(members []int) (s PairShape) {
	for _, i := range members {
		s.S, s.T = max(s.S, len(p.source[i])), max(s.T, len(p.target[i]))
	}
	return s
}

// Shapes are the batches' sizes by bucket.
func (l *PairLoader) Shapes() []PairShape { return l.shapes }

// Batch is the bucket of a step and the indices of its pairs, at most Shapes()[bucket].Rows.
func (l *PairLoader) Batch(step int) (bucket int, pairs []int) {
	if epoch := step / l.steps; epoch != l.epoch {
		l.begin(epoch)
	}
	b := l.batches[step%l.steps]
	members := l.order[b[0]]
	return b[0], members[b[1]:min(b[1]+l.shapes[b[0]].Rows, len(members))]
}

// begin shuffles an epoch.
func (l *PairLoader) begin(epoch int) {
	l.epoch, l.order, l.batches = epoch, nil, nil
	for b, members := range l.buckets {
		order := slices.Clone(members)
		l.shuffle(len(order), b+1, func(i, j int) { order[i], order[j] = order[j], order[i] })
		l.order = append(l.order, order)
		for first := 0; first < len(order); first += l.shapes[b].Rows {
			l.batches = append(l.batches, [2]int{b, first})
		}
	}
	l.shuffle(len(l.batches), 0, func(i, j int) { l.batches[i], l.batches[j] = l.batches[j], l.batches[i] })
}

// Targets is the number of predicted tokens an epoch.
func (l *PairLoader) Targets() int { return l.targets }

// StepTargets is the mean number of predicted tokens a step.
func (l *PairLoader) StepTargets() float64 { return float64(l.targets) / float64(l.steps) }

// Weight is the number of predicted tokens of some pairs, relative to the mean step. Unweighted, steps of short targets
// would count too much, and bias the model towards short targets.
func (l *PairLoader) Weight(pairs []int) float64 {
	return float64(l.pairs.targets(pairs)) * float64(l.steps) / float64(l.targets)
}

// targets is the number of predicted tokens of some pairs: all but Begin.
func (p *Pairs) targets(which []int) (n int) {
	for _, i := range which {
		n += len(p.target[i]) - 1
	}
	return n
}

// shuffle is a Fisher–Yates shuffle.
func (l *PairLoader) shuffle(n, line int, swap func(i, j int)) {
	for i := n - 1; i > 0; i-- {
		swap(i, rng.Below(l.seed, rng.Rows, uint32(l.epoch), uint32(line), uint32(i), i+1))
	}
}
