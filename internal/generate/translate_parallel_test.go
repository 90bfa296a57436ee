package generate

import (
	"context"
	"math"
	"slices"
	"testing"

	"dmtrain/internal/batch"
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/model"
)

func infill(structure string, window int) mask.Config {
	c := mask.DefaultConfig()
	c.Form, c.Structure, c.Window = mask.FormInfill, structure, window
	return c
}

func waitingInfill() mask.Config {
	c := infill(mask.StructureCausal, 0)
	c.Cross, c.WaitK = mask.CrossWaitK, 2
	return c
}

func mixedSources() (sources [][]int32) {
	for seed := range uint64(6) {
		sources = append(sources, randomSource(seed, 2+int(seed*5%9)))
	}
	return sources
}

func inParallel(
	t *testing.T, m *model.Model, c mask.Config, sources [][]int32, o Translation, b Blocks,
) ([][]int32, Rounds) {
	t.Helper()
	o.Blocks = &b
	found, r, err := Translate(context.Background(), m, c, sources, o)
	if err != nil {
		t.Fatal(err)
	}
	var ids [][]int32
	for _, h := range found {
		ids = append(ids, h[0].IDs)
	}
	return ids, r
}

// Blocks of one are greedy decoding, token by token and draw by draw.
func TestPairBlocksOfOneAreGreedy(t *testing.T) {
	_, m := randomPairModel(t)
	sources := mixedSources()
	for _, c := range []mask.Config{infill(mask.StructureCausal, 0), infill(mask.StructureWindow, 3), waitingInfill()} {
		for _, temperature := range []float64{0, 1} {
			o := greedyPairs(17)
			o.Temperature = temperature
			want := translated(t, m, c, sources, o)
			got, r := inParallel(t, m, c, sources, o, Blocks{1, Acceptance{Threshold: 1}})
			for i := range want {
				if !slices.Equal(got[i], want[i]) {
					t.Errorf("%s, temperature %v, source %d: %v in blocks, %v token by token", c.Structure, temperature,
						i, got[i], want[i])
				}
			}
			if r.PerToken() != 1 {
				t.Errorf("%+v, want one round a token", r)
			}
		}
	}
}

// Every round predicts what the planner's slots predict in a pass over everything, without a cache: for targets of a
// batch that are of different lengths and in different rounds.
func TestParallelTranslationEqualsFullPasses(t *testing.T) {
	be, m := randomPairModel(t)
	sources := mixedSources()
	for _, c := range []mask.Config{
		infill(mask.StructureCausal, 0), infill(mask.StructureWindow, 3), infill(mask.StructureSinks, 3),
		waitingInfill(),
	} {
		for _, b := range []Blocks{{4, Acceptance{Threshold: 0.6}}, {3, Acceptance{Budget: 0.8}},
			{5, Acceptance{Threshold: 1, MaxRounds: 2}}} {
			o := greedyPairs(11)
			got, r := inParallel(t, m, c, sources, o, b)
			passes := 0
			for i, source := range sources {
				want, n := naiveBlocks(t, be, m, c, source, o, b)
				passes += n
				if !slices.Equal(got[i], want) {
					t.Errorf("%s, %+v, source %d: %v, want %v", c.Structure, b, i, got[i], want)
				}
			}
			if r.Passes != passes {
				t.Errorf("%+v: %d rounds, want %d", b, r.Passes, passes)
			}
		}
	}
}

// naiveBlocks decodes one source in blocks, computing everything anew in each round.
func naiveBlocks(
	t *testing.T, be kernels.Backend, m *model.Model, c mask.Config, source []int32, o Translation, b Blocks,
) (ids []int32, passes int) {
	t.Helper()
	p, err := mask.NewPlanner(c, 0, mask.Run{
		SeqLen:        m.Context,
		Steps:         1,
		Vocab:         m.Vocab,
		CausalEncoder: m.CausalEncoder,
	})
	if err != nil {
		t.Fatal(err)
	}
	text := []int32{o.Begin}
	for len(text)-1 < o.MaxTokens {
		at := len(text)
		block := make([]int32, min(b.Size, o.MaxTokens-(at-1)))
		var open []guess
		for i := range block {
			open = append(open, guess{at: i})
		}
		for round := 1; len(open) > 0; round++ {
			passes++
			isOpen := (&blockText{block: block, open: open}).isOpen()
			logits := naiveRound(t, be, m, p, source, text, block, isOpen)
			for i, g := range open {
				row := at + g.at
				ahead := false
				for j := g.at + 1; j < len(block) && j <= g.at+p.Config().MaxWindow; j++ {
					ahead = ahead || !isOpen[j]
				}
				if !ahead && (g.at == 0 || !isOpen[g.at-1]) {
					row--
				}
				l := logits[row*m.Vocab:][:m.Vocab]
				id := argmax(l, []int32{o.Begin})
				open[i].id, open[i].conf = id, 1/sumExp(l, l[id], 1)
			}
			keep := b.accept(open, o.End, b.MaxRounds > 0 && round >= b.MaxRounds)
			for _, g := range open[:keep] {
				block[g.at] = g.id
			}
			for _, g := range open[:keep] {
				if g.id == o.End {
					block = block[:min(len(block), g.at+1)]
				}
			}
			open = slices.DeleteFunc(slices.Clone(open[keep:]), func(g guess) bool { return g.at >= len(block) })
		}
		for _, id := range block {
			if id == o.End {
				return text[1:], passes
			}
			text = append(text, id)
		}
	}
	return text[1:], passes
}

// naiveRound is a pass over a target's text and block, with slots where it is open.
func naiveRound(
	t *testing.T, be kernels.Backend, m *model.Model, p *mask.Planner, source, text, block []int32, open []bool,
) []float32 {
	t.Helper()
	all := slices.Concat(text, block)
	rows, windows := batch.New(1, len(all), len(source)), make([]int32, len(all))
	for n, id := range all {
		rows.IDs[n], rows.Start[n], rows.End[n], windows[n] = id, 0, int32(len(all)), -1
		if n >= len(text) && open[n-len(text)] {
			windows[n] = int32(min(p.Config().MaxWindow, len(all)-1-n))
		}
	}
	rows.Sources[0].Document(0, source)
	var plan mask.Plan
	p.PlanSlots(&plan, rows, windows)
	pass, err := m.NewPass(model.PassOptions{
		B:      1,
		S:      len(source),
		T:      len(all),
		Hide:   true,
		Logits: true,
		Second: p.Tagged(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer pass.Free()
	pass.Load(rows, &plan)
	pass.Forward()
	logits := make([]float32, len(all)*m.Vocab)
	if err := be.Download(logits, pass.Logits.Buffer()); err != nil {
		t.Fatal(err)
	}
	return logits
}

// A block ends at the End that was accepted in it, and hypotheses have scores.
func TestParallelTranslationEnds(t *testing.T) {
	_, m := randomPairModel(t)
	o := greedyPairs(20)
	whole, _ := inParallel(t, m, infill(mask.StructureCausal, 0), mixedSources()[:1], o,
		Blocks{4, Acceptance{Threshold: 0.5}})
	o.End = whole[0][2] // a token that comes
	o.Blocks = &Blocks{1, Acceptance{Threshold: 1}}
	found, r, err := Translate(context.Background(), m, infill(mask.StructureCausal, 0), mixedSources()[:1], o)
	if err != nil {
		t.Fatal(err)
	}
	h := found[0][0]
	if slices.Contains(h.IDs, o.End) || len(h.IDs) > 2 || r.Tokens != len(h.IDs)+1 || !(h.Score < 0) ||
		math.IsInf(h.Score, 0) {
		t.Errorf("%+v, %+v", h, r)
	}
}

func TestImpossibleParallelTranslations(t *testing.T) {
	_, m := randomPairModel(t)
	two := greedyPairs(3)
	two.Beams = 2
	for what, try := range map[string]struct {
		c mask.Config
		o Translation
		n int
	}{
		"no infill":         {mask.DefaultConfig(), greedyPairs(3), 4},
		"no block":          {infill(mask.StructureCausal, 0), greedyPairs(3), 0},
		"too large a block": {infill(mask.StructureCausal, 0), greedyPairs(3), 13},
		"beams":             {infill(mask.StructureCausal, 0), two, 4},
	} {
		try.o.Blocks = &Blocks{Size: try.n}
		if _, _, err := Translate(context.Background(), m, try.c, mixedSources(), try.o); err == nil {
			t.Errorf("%s is accepted", what)
		}
	}
}
