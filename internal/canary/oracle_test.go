package canary

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"dmtrain/internal/batch"
	"dmtrain/internal/config"
	"dmtrain/internal/data"
	"dmtrain/internal/mask"
	"dmtrain/internal/maskcheck"
	"dmtrain/internal/task"
	"dmtrain/internal/task/tasks"
)

func options(c config.Config) Options { return Options{Config: c, Tasks: tasks.All()} }

// planned fills a batch with random text as a run does, and plans its masks at openness u.
func planned(t *testing.T, c config.Config, shape Shape, u float64) (*run, *task.Batch) {
	t.Helper()
	r := newRun(options(c), shape, 40, nil)
	paths(&r.config, t.TempDir(), r.text.pairs)
	for i, path := range []string{r.config.Data.Train[0], r.config.Data.Valid[0]} {
		if err := r.text.write(path, 1, uint64(i), 4000); err != nil {
			t.Fatal(err)
		}
	}
	m, err := maskcheck.Open(r.config, tasks.All())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	b := &task.Batch{
		Kind:      task.BatchTrain,
		Tokenizer: m.Tokenizer,
		Rows:      batch.New(12, r.config.Data.SeqLen),
		Plan:      &mask.Plan{},
	}
	m.Fill(b.Rows, 3)
	m.Plan(b.Plan, b.Rows, 3, []float64{u})
	r.oracle.observeEnds(b)
	return r, b
}

func geometric() Shape { return Shape{Documents: Geometric, Mean: 6, Letters: 8} }

func textConfig() config.Config {
	c := config.Default()
	c.Data.Tokenizer.Kind = "char"
	c.Data.SeqLen = 32
	c.Data.Train = []string{"builtin:stories"}
	return c
}

// The oracle's probabilities of all possible answers sum to 1, whatever it knows.
func TestOracleIsADistribution(t *testing.T) {
	for name, change := range map[string]func(m *mask.Config){
		"static":   func(m *mask.Config) {},
		"infill":   func(m *mask.Config) { m.Form = mask.FormInfill },
		"full":     func(m *mask.Config) { m.Form, m.Structure = mask.FormInput, mask.StructureFull },
		"prefix":   func(m *mask.Config) { m.Form, m.Structure, m.Window = mask.FormInfill, mask.StructurePrefix, 5 },
		"adaptive": func(m *mask.Config) { m.Form, m.Control, m.Prob = mask.FormInfill, mask.ControlAdaptive, 0.5 },
	} {
		for _, shape := range []Shape{geometric(), {Documents: Single, Letters: 4}} {
			t.Run(name+" "+shape.Documents, func(t *testing.T) {
				c := textConfig()
				change(&c.Mask)
				r, b := planned(t, c, shape, 1)
				predictions := 0
				for row := range b.Rows.B {
					r.oracle.row(b, row, func(p *prediction) {
						predictions++
						sum := 0.0
						for answer := none; answer < shape.Letters; answer++ {
							q := *p
							q.answer = answer
							sum += math.Exp(-r.oracle.bound(b, row, &q))
						}
						if math.Abs(sum-1) > 1e-9 {
							t.Fatalf("the probabilities of %+v add up to %v", *p, sum)
						}
					})
				}
				if predictions < 20 {
					t.Fatalf("only %d predictions", predictions)
				}
			})
		}
	}
}

// The chain's probabilities match counts of drawn letters.
func TestChainIsWhatIsDrawn(t *testing.T) {
	for _, sure := range []bool{false, true} {
		c, r := newChain(4, sure), rand.New(rand.NewPCG(1, 2))
		counts, n, last, before := map[[3]int]float64{}, 200000, none, none
		for range n {
			x := c.draw(r, last)
			if before != none {
				counts[[3]int{before, last, x}]++
			}
			before, last = last, x
		}
		for x := range 4 {
			for z := range 4 {
				sum := 0.0
				for y := range 4 {
					sum += counts[[3]int{x, y, z}]
				}
				for y := range 4 {
					got := counts[[3]int{x, y, z}] / max(sum, 1)
					if want := c.between(y, x, 1, z, 1); sum > 0 &&
						math.Abs(got-want) > 5*math.Sqrt(want*(1-want)/sum)+1e-9 {
						t.Errorf("sure %v: %d between %d and %d: %.4f of the text, %.4f by the chain", sure, y, x, z,
							got, want)
					}
				}
			}
		}
	}
}

func TestLengthsAreWhatIsDrawn(t *testing.T) {
	for _, l := range []lengths{{kind: Geometric, mean: 5}, {kind: Geometric, mean: 9, most: 12}} {
		r, n := rand.New(rand.NewPCG(3, 4)), 100000
		count := map[int]int{}
		for range n {
			count[l.draw(r)]++
		}
		left := n
		for k := 1; left > 2000; k++ {
			p := l.ends(k)
			if got := float64(count[k]) / float64(left); math.Abs(got-p) > 5*math.Sqrt(p/float64(left)) {
				t.Errorf("%+v: of those of at least %d letters %.4f have no more, want %.4f", l, k, got, p)
			}
			left -= count[k]
		}
		want := (1 - l.ends(2)) * (1 - l.ends(3)) * (1 - l.ends(4)) * (1 - l.ends(5)) * (1 - l.ends(6))
		if p := l.beyond(2, 6); math.Abs(p-want) > 1e-12 {
			t.Errorf("%+v: beyond 6 from 2: %v", l, p)
		}
	}
}

// The standard error is by rows: a row whose tokens all have the same error counts once.
func TestErrorsAreByRows(t *testing.T) {
	s, r := &sums{}, rand.New(rand.NewPCG(5, 6))
	const rows, tokens = 4000, 10
	for range rows {
		d := r.NormFloat64()
		s.add(&rowSums{targets: tokens, nll: tokens * (2 + d), bound: tokens * 2})
	}
	if _, se := s.mean(); math.Abs(se*math.Sqrt(rows)-1) > 0.05 {
		t.Errorf("standard error %v, want %v", se, 1/math.Sqrt(rows))
	}
}

// Random pairs have the lengths of their shape, and the program reads the written files.
func TestPairsAreRead(t *testing.T) {
	c := textConfig()
	c.Task = "seq2seq"
	r := newRun(options(c), Shape{
		Documents: Geometric,
		Mean:      5,
		Source:    6,
		Letters:   8,
	}, 40, nil)
	path := filepath.Join(t.TempDir(), "train.tsv")
	if err := r.text.write(path, 1, 1, 9000); err != nil {
		t.Fatal(err)
	}
	valid := filepath.Join(filepath.Dir(path), "valid.tsv")
	if err := r.text.write(valid, 1, 2, 900); err != nil {
		t.Fatal(err)
	}
	r.config.Data.Train, r.config.Data.Valid = []string{path}, []string{valid}
	set, err := data.OpenPairs(r.config.Data, data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if set.Train.Len() < 500 || set.Tokenizer.Vocab() < 8 {
		info, _ := os.Stat(path)
		t.Fatalf("%d pairs, vocabulary %d, file %v", set.Train.Len(), set.Tokenizer.Vocab(), info.Size())
	}
}
