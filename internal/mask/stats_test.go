package mask

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"dmtrain/internal/batch"
)

var comparable = cmp.AllowUnexported(Stats{}, tally{}, shape{}, counter{}, Tiles{})

func genOutputs(t *rapid.T, n int) Outputs {
	draw := func(name string) []float32 {
		return rapid.SliceOfN(rapid.Float32Range(0, 10), n, n).Draw(t, name)
	}
	return Outputs{
		NLL:     draw("nll"),
		Conf:    draw("conf"),
		Entropy: draw("entropy"),
		Margin:  draw("margin"),
		Argmax:  rapid.SliceOfN(rapid.Int32Range(0, genVocab-1), n, n).Draw(t, "argmax"),
	}
}

func (o Outputs) cut(from, to int) Outputs {
	return Outputs{o.NLL[from:to], o.Conf[from:to], o.Entropy[from:to], o.Margin[from:to], o.Argmax[from:to]}
}

// Sums of floats depend on their order; these must not depend on micro-batches, down to the last bit.
func TestStatsDoNotDependOnTheSplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := genRows(t, 6, 12)
		rows.First = 0
		cfg := genConfig(t)
		p, state := genPlanner(t, cfg, 12)
		run := testRun
		run.SeqLen = 12
		c := newController(t, cfg, run)
		out := genOutputs(t, rows.B*rows.T)
		var plan Plan
		whole, split := c.NewStats(), c.NewStats()
		whole.Begin(3)
		p.Plan(&plan, rows, 3, state)
		whole.Add(&plan, rows, out)
		whole.Measure(&plan, 4, 4)
		split.Begin(3)
		for from := 0; from < rows.B; {
			n := rapid.IntRange(1, rows.B-from).Draw(t, "micro-batch")
			part := cut(rows, from, n)
			p.Plan(&plan, part, 3, state)
			split.Add(&plan, part, out.cut(from*rows.T, (from+n)*rows.T))
			split.Measure(&plan, 4, 4)
			from += n
		}
		whole.counter, split.counter = counter{}, counter{}
		if diff := cmp.Diff(whole, split, comparable); diff != "" {
			t.Fatalf("whole against split:\n%s", diff)
		}
	})
}

func TestStatsComeInOrder(t *testing.T) {
	c := newController(t, infillConfig(), testRun)
	p, err := NewPlanner(infillConfig(), 1, testRun)
	if err != nil {
		t.Fatal(err)
	}
	rows := oneDocument(8)
	rows.First = 1
	var plan Plan
	p.Plan(&plan, rows, 0, c.At(0))
	s := c.NewStats()
	s.Begin(0)
	mustPanic(t, "mask: statistics out of order", func() { s.Add(&plan, rows, Outputs{NLL: make([]float32, 8)}) })
}

// One anchor row and one of slots, counted by hand.
func TestRecord(t *testing.T) {
	cfg := infillConfig()
	cfg.Anchors, cfg.Prob, cfg.Openness, cfg.MaxWindow = 2, 1, 0.5, 4
	run := testRun
	run.SeqLen = 4
	ctl := newController(t, cfg, run)
	p, err := NewPlanner(cfg, 1, run)
	if err != nil {
		t.Fatal(err)
	}
	rows := batch.New(2, 4)
	for n := range rows.IDs {
		rows.Next[n], rows.End[n] = 1, 4
		if n%4 == 3 {
			rows.Next[n] = -1
		}
	}
	var plan Plan
	p.Plan(&plan, rows, 0, ctl.At(0)) // row 0 is an anchor; in row 1 all but the first and the last token are slots
	s := ctl.NewStats()
	s.Begin(0)
	s.Add(&plan, rows, Outputs{NLL: []float32{1, 2, 3, 0, 9, 4, 5, 6}})
	s.Measure(&plan, 2, 2)
	ctl.Observe(s)
	var r Record
	ctl.Record(&r, s)
	look := int(plan.Window[5] + plan.Window[6])
	want := Record{
		Openness:      []float64{0.5},
		Reliability:   []float64{0},
		MaxWindow:     []int{2},
		Rate:          []float64{1},
		Skipped:       1,
		Hidden:        2.0 / 8,
		MeanWindow:    float64(look) / 2,
		AnchorCE:      2,
		AnchorTokens:  3,
		InfillCE:      4.5,
		InfillTokens:  2,
		Visible:       (10.0 + 7) / 32,
		FutureVisible: 2.0 / 12, // the slots see the first token and, ahead, the last
		Tiles:         3 + 4,
		TilesTotal:    8,
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	data, err := json.Marshal(&r)
	if err != nil {
		t.Fatal(err)
	}
	var back Record
	if err := json.Unmarshal(data, &back); err != nil || cmp.Diff(r, back) != "" {
		t.Errorf("%s does not read back (%v)", data, err)
	}
	if got, want := r.String(), "u 0.50  R 0.00  hidden 0.250  window "; len(got) < len(want) ||
		got[:len(want)] != want {
		t.Errorf("short form %q", got)
	}
}

// A record must always be JSON, which has no NaN and no infinity.
func TestRecordOfNothingAndOfInfinity(t *testing.T) {
	ctl := newController(t, infillConfig(), testRun)
	s := ctl.NewStats()
	s.Begin(0)
	s.anchors[0] = tally{tokens: 3, nll: math.Inf(1)}
	var r Record
	ctl.Record(&r, s)
	if _, err := json.Marshal(&r); err != nil || r.AnchorCE != 0 || r.InfillCE != 0 || r.AnchorTokens != 3 {
		t.Errorf("%+v (%v)", r, err)
	}
}

func TestBucketsFollowThePositionInTheDocument(t *testing.T) {
	for _, c := range []struct{ at, buckets, want int }{{0, 4, 0}, {24, 4, 0}, {25, 4, 1}, {99, 4, 3}, {400, 4, 3},
		{99, 1, 0}} {
		if got := bucketOf(c.at, c.buckets, 100); got != c.want {
			t.Errorf("position %d of 100, %d buckets: %d, want %d", c.at, c.buckets, got, c.want)
		}
	}
}
