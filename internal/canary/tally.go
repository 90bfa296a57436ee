package canary

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"dmtrain/internal/task"
)

// key names a class of predictions.
type key struct {
	set   string // train, valid, infill: where they were made
	kind  string // next, slot
	class string
}

// sums are of the predictions of a class. Rows are independent of one another, tokens are not: chance is estimated
// by rows.
type sums struct {
	targets, rows     int
	nll, bound        float64
	d, dd, dn, count2 float64 // over rows, of their sum of nll − bound and their count: d, d², d·n, n²
}

// one is the part of a row in a class.
type one struct {
	targets    int
	nll, bound float64
}

func (s *sums) add(o *one) {
	d, n := o.nll-o.bound, float64(o.targets)
	s.targets += o.targets
	s.rows++
	s.nll += o.nll
	s.bound += o.bound
	s.d += d
	s.dd += d * d
	s.dn += d * n
	s.count2 += n * n
}

// mean is the mean of nll − bound over targets, and its standard error: that of a ratio of two sums over rows.
func (s *sums) mean() (d, se float64) {
	n := float64(s.targets)
	d = s.d / n
	v := s.dd - 2*d*s.dn + d*d*s.count2
	if s.rows < 2 {
		return d, math.Inf(1)
	}
	return d, math.Sqrt(max(v, 0)*float64(s.rows)/float64(s.rows-1)) / n
}

// tally are the sums of a run by class.
type tally struct {
	sums map[key]*sums
	row  map[key]*one // of the row being read
}

func newTally() *tally { return &tally{sums: map[key]*sums{}, row: map[key]*one{}} }

func (t *tally) add(k key, nll, bound float64) {
	o := t.row[k]
	if o == nil {
		o = &one{}
		t.row[k] = o
	}
	o.targets++
	o.nll += nll
	o.bound += bound
}

// endRow takes in what was added since the last one.
func (t *tally) endRow() {
	for k, o := range t.row {
		if o.targets == 0 {
			continue
		}
		s := t.sums[k]
		if s == nil {
			s = &sums{}
			t.sums[k] = s
		}
		s.add(o)
		*o = one{}
	}
}

// keys are the classes in the order in which they are told.
func (t *tally) keys() []key {
	sets := []string{task.BatchTrain, task.BatchValid, task.BatchInfill}
	rank := func(k key) int {
		switch {
		case k.class == classAll:
			return 0
		case proves(k.class):
			return 1
		}
		return 2
	}
	return slices.SortedFunc(maps.Keys(t.sums), func(a, b key) int {
		return cmp.Or(slices.Index(sets, a.set)-slices.Index(sets, b.set), cmp.Compare(a.kind, b.kind), rank(a)-rank(b),
			cmp.Compare(a.class, b.class))
	})
}
