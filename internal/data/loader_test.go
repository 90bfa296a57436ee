package data

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"dmtrain/internal/batch"
)

// Every row is a window of the corpus, and no bounds cross a document.
func TestLoaderRowsAreWindows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		T := rapid.IntRange(1, 9).Draw(t, "T")
		c, m := drawCorpus(t, T+1)
		l := NewLoader(c, rapid.Uint64().Draw(t, "seed"))
		rows := batch.New(rapid.IntRange(1, 5).Draw(t, "B"), T)
		step := rapid.IntRange(0, 1<<20).Draw(t, "step")
		rows.First = rapid.IntRange(0, 100).Draw(t, "first")
		l.Fill(rows, step)
		for r := range rows.B {
			at := l.start(step, rows.First+r, T)
			if at < 0 || at > c.Len()-T-1 {
				t.Fatalf("a window of %d starts at %d of %d", T, at, c.Len())
			}
			checkRow(t, rows, r, at, m)
		}
	})
}

// A step's rows are the same however they are cut into micro-batches, and in whatever order.
func TestLoaderIsAFunctionOfSeedStepAndRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		T := rapid.IntRange(1, 6).Draw(t, "T")
		c, _ := drawCorpus(t, T+1)
		l := NewLoader(c, rapid.Uint64().Draw(t, "seed"))
		step := rapid.IntRange(0, 1000).Draw(t, "step")
		whole := batch.New(12, T)
		l.Fill(whole, step)
		micro := rapid.SampledFrom([]int{1, 2, 3, 4, 6}).Draw(t, "micro")
		part := batch.New(micro, T)
		for first := 12 - micro; first >= 0; first -= micro {
			l.Fill(part, step+1) // a step between leaves no trace
			part.First = first
			l.Fill(part, step)
			at, end := first*T, (first+micro)*T
			if !slices.Equal(part.IDs, whole.IDs[at:end]) || !slices.Equal(part.Next, whole.Next[at:end]) ||
				!slices.Equal(part.Start, whole.Start[at:end]) || !slices.Equal(part.End, whole.End[at:end]) {
				t.Fatalf("rows %d … %d differ from the whole step's", first, first+micro-1)
			}
		}
	})
}

// Starts are uniform over 0 … Len−T−1, both ends included: χ² over 50 starts stays below its 99.99 % quantile.
func TestLoaderStartsAreUniform(t *testing.T) {
	const starts, draws, T = 50, 50_000, 7
	c, err := newCorpus(tokensFileOf(t, 257, make([]int32, starts+T)), 0, starts+T, byteTokenizer(t, 2))
	if err != nil {
		t.Fatal(err)
	}
	l := NewLoader(c, 3)
	count := make([]float64, starts)
	for step := range draws / 10 {
		for row := range 10 {
			count[l.start(step, row, T)]++
		}
	}
	chi2 := 0.0
	for _, n := range count {
		chi2 += math.Pow(n-draws/starts, 2) / (draws / starts)
	}
	if chi2 > 95 {
		t.Errorf("χ² = %.1f with 49 degrees of freedom", chi2)
	}
}

func TestLoaderSeedsDiffer(t *testing.T) {
	c, err := newCorpus(tokensFileOf(t, 257, make([]int32, 1<<20)), 0, 1<<20, byteTokenizer(t, 2))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for seed := range uint64(4) {
		for step := range 4 {
			for row := range 4 {
				seen[NewLoader(c, seed).start(step, row, 64)] = true
			}
		}
	}
	if len(seen) < 62 {
		t.Errorf("64 draws of a million give only %d starts", len(seen))
	}
}

func TestFillAllocatesNothing(t *testing.T) {
	documents := make([][]int32, 200)
	for d := range documents {
		documents[d] = make([]int32, 50)
	}
	c, err := newCorpus(tokensFileOf(t, 257, documents...), 0, 10_000, byteTokenizer(t, 2))
	if err != nil {
		t.Fatal(err)
	}
	l, rows, step := NewLoader(c, 1), batch.New(4, 128), 0
	if n := testing.AllocsPerRun(100, func() { l.Fill(rows, step); step++ }); n != 0 {
		t.Errorf("Fill allocates %v times", n)
	}
	if n := testing.AllocsPerRun(100, func() { c.Window(rows) }); n != 0 {
		t.Errorf("Window allocates %v times", n)
	}
}

func BenchmarkFill(b *testing.B) {
	documents := make([][]int32, 5000)
	for d := range documents {
		documents[d] = make([]int32, 480)
	}
	c, err := newCorpus(tokensFileOf(b, 257, documents...), 0, 5000*480, byteTokenizer(b, 2))
	if err != nil {
		b.Fatal(err)
	}
	l, rows := NewLoader(c, 1), batch.New(16, 128)
	b.SetBytes(int64(4 * len(rows.IDs)))
	for step := 0; b.Loop(); step++ {
		l.Fill(rows, step)
	}
}
