package generate

import (
	"context"
	"slices"
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/cpu"
	"dmtrain/internal/mask"
	"dmtrain/internal/model"
	"dmtrain/internal/rng"
)

// randomModel has weights large enough for its predictions to differ from one another.
func randomModel(t *testing.T) (kernels.Backend, *model.Model) {
	t.Helper()
	be := openCPU(t)
	return be, randomModelOn(t, be)
}

func openCPU(t *testing.T) kernels.Backend {
	t.Helper()
	be, err := cpu.New(cpu.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { be.Close() })
	return be
}

func randomModelOn(t *testing.T, be kernels.Backend) *model.Model {
	t.Helper()
	m, err := model.New(be, model.Config{
		Vocab:   19,
		Context: 32,
		Layers:  2,
		Heads:   2,
		Dim:     16,
	}, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range m.Params.All() {
		w := make([]float32, p.Shape.Elems())
		for i := range w {
			w[i] = float32(rng.Normal(2, rng.Probe, 0, uint32(p.Index), uint32(i)))
		}
		be.Upload(p.Value(), w)
	}
	return m
}

func greedy(n int) Options { return Options{Sampling: Sampling{TopP: 1}, MaxTokens: n, End: -1} }

func (o Options) inBlocks(size int, a Acceptance) Options {
	o.Blocks = &Blocks{size, a}
	return o
}

func collect(ids *[]int32) Emit {
	return func(id int32) error { *ids = append(*ids, id); return nil }
}

// fullGreedy continues text by running all of it through the model for each token, as slowly and simply as possible.
func fullGreedy(t *testing.T, be kernels.Backend, m *model.Model, c mask.Config, text []int32, n int) []int32 {
	t.Helper()
	text = slices.Clone(text)
	from, full := len(text), naive{t, be, m, c, nil}
	for range n {
		p := full.next(text)
		text = append(text, int32(slices.Index(p, slices.Max(p))))
	}
	return text[from:]
}

func TestCausalEqualsTheModelWithoutCache(t *testing.T) {
	be, m := randomModel(t)
	for _, structure := range []string{mask.StructureCausal, mask.StructureWindow, mask.StructureSinks,
		mask.StructurePrefix} {
		t.Run(structure, func(t *testing.T) {
			c := mask.DefaultConfig()
			c.Structure = structure
			if structure != mask.StructureCausal {
				c.Window = 4
			}
			d, err := NewDecoder(m, c)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Free()
			prompt := []int32{3, 1, 4, 1, 5, 9}
			var got []int32
			if _, err := d.Continue(context.Background(), prompt, greedy(20), collect(&got)); err != nil {
				t.Fatal(err)
			}
			if want := fullGreedy(t, be, m, c, prompt, 20); !slices.Equal(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}

// A text longer than the context goes on with the newer half as its past.
func TestCausalOutgrowsTheContext(t *testing.T) {
	be, m := randomModel(t)
	d, err := NewDecoder(m, mask.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	prompt := []int32{7, 7, 2}
	var got []int32
	if _, err := d.Continue(context.Background(), prompt, greedy(60), collect(&got)); err != nil {
		t.Fatal(err)
	}
	if len(got) != 60 {
		t.Fatalf("%d tokens, want 60", len(got))
	}
	text := append(slices.Clone(prompt), got...)
	// The 33rd token does not fit: 16 stay, the newest among them.
	if want := fullGreedy(t, be, m, mask.DefaultConfig(), text[17:33], 16); !slices.Equal(text[33:49], want) {
		t.Errorf("after the context was full: got %v, want %v", text[33:49], want)
	}
}

func TestStructuresThatCannotBeSampled(t *testing.T) {
	_, m := randomModel(t)
	for _, structure := range []string{mask.StructureFull, mask.StructureBlocks, mask.StructureLookahead} {
		c := mask.DefaultConfig()
		c.Structure, c.Window = structure, 2
		if _, err := NewDecoder(m, c); err == nil {
			t.Errorf("%s was accepted", structure)
		}
	}
}

func TestParallelRounds(t *testing.T) {
	_, m := randomModel(t)
	d, err := NewDecoder(m, mask.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		a      Acceptance
		passes int
	}{
		{"all at once", Acceptance{}, 5},
		{"one at a time", Acceptance{Threshold: 1}, 18},
		{"at most two rounds", Acceptance{Threshold: 1, MaxRounds: 2}, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []int32
			r, err := d.Continue(context.Background(), []int32{3, 1, 4, 1, 5}, greedy(18).inBlocks(4, c.a),
				collect(&got))
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != 18 || r.Tokens != 18 || r.Passes != c.passes {
				t.Errorf("%d tokens, %+v, want 18 in %d passes", len(got), r, c.passes)
			}
		})
	}
}

// A block's slots must be predicted from the true text before it, whatever the cache went through: the same text gives
// the same block, read as a prompt or decoded.
func TestParallelReadsFinishedBlocks(t *testing.T) {
	_, m := randomModel(t)
	d, err := NewDecoder(m, mask.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	run := func(prompt []int32, n int) []int32 {
		var got []int32
		if _, err := d.Continue(context.Background(), prompt, greedy(n).inBlocks(4, Acceptance{Threshold: .5}),
			collect(&got)); err != nil {
			t.Fatal(err)
		}
		return got
	}
	prompt := []int32{3, 1, 4, 1, 5}
	whole := run(prompt, 16)
	for cut := 4; cut < 16; cut += 4 {
		if got := run(append(slices.Clone(prompt), whole[:cut]...), 16-cut); !slices.Equal(got, whole[cut:]) {
			t.Errorf("after %d tokens: %v, want %v", cut, got, whole[cut:])
		}
	}
}

// Blocks of one token are causal decoding: the same tokens, also where they are drawn by chance.
func TestBlocksOfOneAreCausal(t *testing.T) {
	_, m := randomModel(t)
	d, err := NewDecoder(m, mask.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	for _, temperature := range []float64{0, 1} {
		o := greedy(20)
		o.Temperature, o.Seed = temperature, 3
		var one, causal []int32
		if _, err := d.Continue(context.Background(), []int32{3, 1, 4}, o.inBlocks(1, Acceptance{}),
			collect(&one)); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Continue(context.Background(), []int32{3, 1, 4}, o, collect(&causal)); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(one, causal) {
			t.Errorf("temperature %v: %v in blocks, %v causally", temperature, one, causal)
		}
	}
}

// A text longer than the context goes on in blocks, with the newer half as its past.
func TestParallelOutgrowsTheContext(t *testing.T) {
	_, m := randomModel(t)
	d, err := NewDecoder(m, mask.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	run := func(prompt []int32, n int) []int32 {
		var got []int32
		if _, err := d.Continue(context.Background(), prompt, greedy(n).inBlocks(4, Acceptance{Threshold: .5}),
			collect(&got)); err != nil {
			t.Fatal(err)
		}
		return got
	}
	prompt := []int32{7, 7, 2, 1}
	text := append(slices.Clone(prompt), run(prompt, 60)...)
	if len(text) != 64 {
		t.Fatalf("%d tokens, want 64", len(text))
	}
	// A block does not fit after 32 tokens, half of which stay, and again after 16 more.
	for _, at := range []int{32, 48} {
		if want := run(text[at-16:at], 16); !slices.Equal(text[at:at+16], want) {
			t.Errorf("after %d tokens: %v, want %v", at, text[at:at+16], want)
		}
	}
}

func TestFillKeepsWhatIsKnown(t *testing.T) {
	be, m := randomModel(t)
	c := mask.DefaultConfig()
	c.Form = mask.FormInfill
	f, err := NewFiller(be, m, c)
	if err != nil {
		t.Fatal(err)
	}
	parts := [][]int32{{3, 1, 4}, {1, 5}, {9, 2, 6}}
	for _, o := range []FillOptions{{Length: 3}, {MaxLength: 5}} {
		o.Options, o.Threshold = greedy(0), 1
		text, fills, r, err := f.Fill(context.Background(), parts, o)
		if err != nil {
			t.Fatal(err)
		}
		want := slices.Concat(parts[0], fills[0], parts[1], fills[1], parts[2])
		if !slices.Equal(text, want) {
			t.Errorf("text %v, parts and fills %v", text, want)
		}
		if o.Length > 0 && (len(fills[0]) != o.Length || r.Passes != 2*o.Length) {
			t.Errorf("fills %v in %d passes", fills, r.Passes)
		}
	}
	if _, err := NewFiller(be, m, mask.DefaultConfig()); err == nil {
		t.Error("a model without infill training was accepted")
	}
}

// A fill looks both ways: with another text after the blank it must be able to come out otherwise.
func TestFillSeesTheRight(t *testing.T) {
	be, m := randomModel(t)
	c := mask.DefaultConfig()
	c.Form = mask.FormInfill
	f, err := NewFiller(be, m, c)
	if err != nil {
		t.Fatal(err)
	}
	left, right := map[int32]bool{}, map[int32]bool{}
	for other := range int32(19) {
		for _, side := range []struct {
			seen  map[int32]bool
			parts [][]int32
		}{{left, [][]int32{{other, other, other}, {3, 1, 4}}}, {right, [][]int32{{3, 1, 4}, {other, other, other}}}} {
			_, fills, _, err := f.Fill(context.Background(), side.parts, FillOptions{Options: greedy(0), Length: 1})
			if err != nil {
				t.Fatal(err)
			}
			side.seen[fills[0][0]] = true
		}
	}
	if len(left) < 2 || len(right) < 2 {
		t.Errorf("19 texts on the left gave %d fills, on the right %d", len(left), len(right))
	}
}
