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

// sums are those of a class. Standard errors are estimated by rows, since rows are independent and their tokens are
// not.
type sums struct {
	targets, rows     int
	nll, bound        float64
	d, dd, dn, count2 float64 // over rows, of their sum of nll − bound and their count: d, d², d·n, n²
}

// rowSums are those of one row in a class.
type rowSums struct {
	targets    int
	nll, bound float64
}

func (s *sums) add(o *rowSums) {
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

// mean is the mean of nll − bound over targets, and its standard error, as a ratio of two sums over rows.
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
	row  map[key]*rowSums // of the row being read
}

func newTally() *tally { return &tally{sums: map[key]*sums{}, row: map[key]*rowSums{}} }

func (t *tally) add(k key, nll, bound float64) {
	o := t.row[k]
	if o == nil {
		o = &rowSums{}
		t.row[k] = o
	}
	o.targets++
	o.nll += nll
	o.bound += bound
}

// endRow adds the row's sums to those of the run.
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
		*o = rowSums{}
	}
}

// keys are the classes in the order of the report.
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
