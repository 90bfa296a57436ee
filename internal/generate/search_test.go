package generate

import (
	"cmp"
	"context"
	"math"
	"slices"
	"testing"

	"dmtrain/internal/batch"
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/model"
)

// naive decodes by full passes over everything, without a cache: as slowly and simply as possible.
type naive struct {
	t      *testing.T
	be     kernels.Backend
	m      *model.Model
	c      mask.Config
	source []int32 // nil without an encoder
}

// next are the log-probabilities of what follows a text.
func (n naive) next(text []int32) []float64 {
	n.t.Helper()
	planner, err := mask.NewPlanner(n.c, 0, mask.Run{
		SeqLen:        n.m.Context,
		Steps:         1,
		Vocab:         n.m.Vocab,
		CausalEncoder: n.m.CausalEncoder,
	})
	if err != nil {
		n.t.Fatal(err)
	}
	rows, o := batch.New(1, len(text)), model.PassOptions{
		B:      1,
		T:      len(text),
		Logits: true,
		Second: planner.Tagged(),
	}
	if n.source != nil {
		o.S = len(n.source)
		rows = batch.New(1, len(text), o.S)
		rows.Sources[0].Document(0, n.source)
	}
	rows.Document(0, text)
	var plan mask.Plan
	planner.PlanStatic(&plan, rows, 0)
	pass, err := n.m.NewPass(o)
	if err != nil {
		n.t.Fatal(err)
	}
	defer pass.Free()
	pass.Load(rows, &plan)
	pass.Forward()
	logits := make([]float32, len(text)*n.m.Vocab)
	if err := n.be.Download(logits, pass.Logits.Buffer()); err != nil {
		n.t.Fatal(err)
	}
	logits = logits[len(logits)-n.m.Vocab:]
	top := slices.Max(logits)
	norm := float64(top) + math.Log(sumExp(logits, top, 1))
	var p []float64
	for _, l := range logits {
		p = append(p, float64(l)-norm)
	}
	return p
}

// beams searches with so many beams, and returns the best texts.
func (n naive) beams(beams int, prompt []int32, o Options) []Hypothesis {
	n.t.Helper()
	type beam struct {
		ids []int32
		sum float64
	}
	live, found := []beam{{}}, []Hypothesis(nil)
	for at := 0; at < o.MaxTokens && len(live) > 0 && len(found) < beams; at++ {
		var all []beam
		for _, b := range live {
			for id, p := range n.next(slices.Concat(prompt, b.ids)) {
				if !slices.Contains(o.Banned, int32(id)) {
					all = append(all, beam{append(slices.Clone(b.ids), int32(id)), b.sum + p})
				}
			}
		}
		slices.SortStableFunc(all, func(x, y beam) int { return cmp.Compare(y.sum, x.sum) })
		live = nil
		for rank, b := range all[:2*beams] {
			switch last := b.ids[at]; {
			case last == o.End && rank < beams:
				found = append(found, Hypothesis{b.ids[:at], o.penalised(b.sum, at+1)})
			case last != o.End && len(live) < beams:
				live = append(live, b)
			}
		}
	}
	if len(found) == 0 {
		for _, b := range live {
			found = append(found, Hypothesis{b.ids, o.penalised(b.sum, len(b.ids))})
		}
	}
	slices.SortStableFunc(found, func(a, b Hypothesis) int { return cmp.Compare(b.Score, a.Score) })
	return found[:min(len(found), beams)]
}

// agree wants the same texts with the same scores, up to rounding.
func agree(t *testing.T, what string, got, want []Hypothesis) {
	t.Helper()
	same := func(a, b Hypothesis) bool { return slices.Equal(a.IDs, b.IDs) && math.Abs(a.Score-b.Score) <= 1e-4 }
	if !slices.EqualFunc(got, want, same) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func structured(structure string, window int) mask.Config {
	c := mask.DefaultConfig()
	c.Structure, c.Window, c.Sinks = structure, window, 2
	return c
}

// Beams find what they find without a cache: for sources of a batch that are of different lengths, under every
// structure that has a next token, one with a second interval among them.
func TestBeamsEqualFullPasses(t *testing.T) {
	be, m := randomPairModel(t)
	for _, c := range []mask.Config{
		mask.DefaultConfig(), structured(mask.StructureWindow, 3), structured(mask.StructureSinks, 3), waitK(2),
	} {
		o := greedyPairs(8)
		o.Beams, o.LengthPenalty = 3, 0.6
		sources := mixedSources()[:3]
		found, _, err := Translate(context.Background(), m, c, sources, o)
		if err != nil {
			t.Fatal(err)
		}
		for i, source := range sources {
			want := naive{t, be, m, c, source}.beams(3, []int32{o.Begin}, o.options(m.Context))
			agree(t, c.Structure+" "+c.Cross, found[i], want)
		}
	}
}

// Without an encoder too, for prompts of different lengths.
func TestBeamsOfTexts(t *testing.T) {
	be, m := randomModel(t)
	prompts := [][]int32{{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8}, {7}, {2, 7, 1, 8}}
	for _, c := range []mask.Config{mask.DefaultConfig(), structured(mask.StructureSinks, 3)} {
		k, err := newCache(m, c, model.DecodeOptions{Sources: len(prompts), Beams: 2, T: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer k.free()
		o := greedy(9)
		o.End = 4
		var texts []*text
		for _, prompt := range prompts {
			texts = append(texts, newText(prompt, m.Context, place{}))
		}
		d := k.decoding(o, texts)
		if err := d.run(context.Background(), steps{}); err != nil {
			t.Fatal(err)
		}
		for i, prompt := range prompts {
			agree(t, c.Structure, d.best(i), naive{t, be, m, c, nil}.beams(2, prompt, o))
		}
	}
}

// Texts that are decoded together come out as they do one by one, in blocks too.
func TestTextsDoNotDependOnEachOther(t *testing.T) {
	_, m := randomModel(t)
	prompts := [][]int32{{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4}, {7}, {2, 7, 1, 8}}
	for _, o := range []Options{greedy(30), greedy(30).inBlocks(4, Acceptance{Threshold: 0.5})} {
		decode := func(prompts [][]int32) [][]int32 {
			k, err := newCache(m, structured(mask.StructureSinks, 6), model.DecodeOptions{
				Sources: len(prompts),
				Beams:   1,
				T:       1,
			})
			if err != nil {
				t.Fatal(err)
			}
			defer k.free()
			var texts []*text
			for _, prompt := range prompts {
				texts = append(texts, newText(prompt, m.Context, place{}))
			}
			if err := k.decoding(o, texts).run(context.Background(), steps{}); err != nil {
				t.Fatal(err)
			}
			var out [][]int32
			for _, x := range texts {
				out = append(out, x.out)
			}
			return out
		}
		together := decode(prompts)
		for i, prompt := range prompts {
			if alone := decode([][]int32{prompt})[0]; len(alone) != 30 || !slices.Equal(together[i], alone) {
				t.Errorf("prompt %d: %v together, %v alone", i, together[i], alone)
			}
		}
	}
}
