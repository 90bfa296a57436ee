package train

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dmtrain/internal/config"
	"dmtrain/internal/data"
	"dmtrain/internal/generate"
	"dmtrain/internal/kernels"
	"dmtrain/internal/rng"
	"dmtrain/internal/tokenizer"
)

// randomPairs has sources and independent targets of random letters and lengths.
func randomPairs(t *testing.T, n, buckets int) config.Config {
	t.Helper()
	var b strings.Builder
	for i := range n {
		for side := range uint32(2) {
			for k := uint32(0); ; k++ {
				b.WriteByte('a' + byte(rng.Below(5, rng.Probe, uint32(i), side, k, letters)))
				if rng.Uniform(5, rng.Probe, uint32(i), 2+side, k) < 0.2 {
					break
				}
			}
			b.WriteByte("\t\n"[side])
		}
	}
	path := filepath.Join(t.TempDir(), "pairs.tsv")
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	c := config.Default()
	c.Task = "seq2seq"
	c.Data.Train, c.Data.ValidFraction, c.Data.SeqLen, c.Data.Tokenizer.Kind = []string{path}, 0.05, 64, "char"
	c.Data.Pairs.Buckets, c.Data.Pairs.BatchTokens = buckets, 1024
	c.Model = config.Model{Layers: 2, Heads: 4, Dim: 64}
	c.Train.Steps, c.Train.LR, c.Train.MinLR, c.Train.Warmup = 1500, 2e-3, 2e-5, 100
	return c
}

func trainedPairs(t *testing.T, c config.Config) (*stepper, *data.PairSet) {
	t.Helper()
	s, _ := opened(t, openCPU(t, 0), c)
	set, err := data.OpenPairs(c.Data, data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	trainAll(t, s, c.Train.Steps)
	return s, set
}

func trainAll(t *testing.T, s *stepper, steps int) {
	t.Helper()
	for step := range steps {
		if _, err := s.step(step); err != nil {
			t.Fatal(err)
		}
	}
}

// lengths sums up lengths of samples.
type lengths struct{ n, sum, squares float64 }

func (l *lengths) add(n int) {
	l.n++
	l.sum += float64(n)
	l.squares += float64(n * n)
}

func (l lengths) mean() (mean, se float64) {
	mean = l.sum / l.n
	return mean, math.Sqrt((l.squares/l.n - mean*mean) / l.n)
}

func (l lengths) String() string {
	mean, se := l.mean()
	return fmt.Sprintf("%.3f ± %.3f", mean, se)
}

func sampledPairs(
	t *testing.T, s *stepper, set *data.PairSet, mask config.Config, blocks *generate.Blocks,
) (l lengths) {
	t.Helper()
	sources := make([][]int32, 4000)
	for i := range sources {
		sources[i] = set.Valid.Source(i % set.Valid.Len())
	}
	special := set.Tokenizer.Specials()
	o := generate.Translation{
		Options: generate.Options{
			MaxTokens: 60,
			Sampling:  generate.Sampling{Temperature: 1, TopP: 1, Seed: 1},
			End:       special.End,
			Blocks:    blocks,
		},
		Beams: 1,
		Batch: 100,
		Begin: special.Begin,
	}
	found, _, err := generate.Translate(context.Background(), s.model, mask.Mask, sources, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range found {
		l.add(len(h[0].IDs))
	}
	return l
}

// Training on pairs batched by length gives the right lengths, within two standard errors.
func TestBucketsKeepLengths(t *testing.T) {
	if os.Getenv("DMTRAIN_LONG") == "" {
		t.Skip("trains for minutes; DMTRAIN_LONG=1 runs it")
	}
	for _, buckets := range []int{1, 16} {
		c := randomPairs(t, 40000, buckets)
		c.Data.Pairs.BatchTokens = 4096
		s, set := trainedPairs(t, c)
		var truth lengths
		for _, p := range set.Train.Texts {
			truth.add(len(p.Target))
		}
		got := sampledPairs(t, s, set, c, nil)
		t.Logf("%d buckets: length %v, of the training pairs %v", buckets, got, truth)
		mean, se := got.mean()
		want, seWant := truth.mean()
		if math.Abs(mean-want) > 2*math.Hypot(se, seWant) {
			t.Errorf("%d buckets: sampled length %v, the truth is %v", buckets, got, truth)
		}
	}
}

// Texts decoded in parallel blocks of eight, at threshold .9, are as long as texts decoded token by token, within 5
// %, for pairs and text.
func TestParallelDecodingKeepsLengths(t *testing.T) {
	if os.Getenv("DMTRAIN_LONG") == "" {
		t.Skip("trains for minutes; DMTRAIN_LONG=1 runs it")
	}
	accept := generate.Acceptance{Threshold: 0.9}
	compare := func(t *testing.T, causal, parallel lengths) {
		t.Logf("causal %v, parallel %v", causal, parallel)
		a, _ := causal.mean()
		b, _ := parallel.mean()
		if math.Abs(b/a-1) > 0.05 {
			t.Errorf("parallel decoding makes texts of %v tokens, causal decoding of %v", parallel, causal)
		}
	}
	t.Run("pairs", func(t *testing.T) {
		c := randomPairs(t, 20000, 8)
		c.Mask.Form, c.Mask.MaxWindow = "infill", 16
		s, set := trainedPairs(t, c)
		compare(t, sampledPairs(t, s, set, c, nil),
			sampledPairs(t, s, set, c, &generate.Blocks{Size: 8, Acceptance: accept}))
	})
	t.Run("text", func(t *testing.T) {
		c := leakCase{"causal", "infill", "fixed", 0.15}.config(t)
		be := openCPU(t, 0)
		s, set := opened(t, be, c)
		trainAll(t, s, c.Train.Steps)
		compare(t, sampledText(t, be, s, set.Tokenizer, c, 0, accept),
			sampledText(t, be, s, set.Tokenizer, c, 8, accept))
	})
}

func sampledText(
	t *testing.T, be kernels.Backend, s *stepper, tok tokenizer.Tokenizer, c config.Config, block int,
	a generate.Acceptance,
) (l lengths) {
	t.Helper()
	d, err := generate.NewDecoder(s.model, c.Mask)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Free()
	special := tok.Specials()
	for i := range 2000 {
		n := 0
		o := generate.Options{
			Sampling:  generate.Sampling{Temperature: 1, TopP: 1, Seed: 1},
			MaxTokens: 60,
			Sequence:  i,
			End:       special.End,
		}
		emit := func(int32) error { n++; return nil }
		if block > 0 {
			o.Blocks = &generate.Blocks{Size: block, Acceptance: a}
		}
		if _, err = d.Continue(context.Background(), []int32{special.Begin}, o, emit); err != nil {
			t.Fatal(err)
		}
		l.add(n)
	}
	return l
}
