package generate

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func ln(p ...float64) []float32 {
	l := make([]float32, len(p))
	for i := range p {
		l[i] = float32(math.Log(p[i]))
	}
	return l
}

func TestFiltersKeepWhatTheySay(t *testing.T) {
	logits := ln(0.1, 0.4, 0.2, 0.3)
	for _, c := range []struct {
		name   string
		s      Sampling
		banned []int32
		want   map[int32]float64
	}{
		{"greedy", Sampling{TopP: 1}, nil, map[int32]float64{1: 1}},
		{"greedy, banned", Sampling{TopP: 1}, []int32{1}, map[int32]float64{3: 1}},
		{"plain", Sampling{Temperature: 1, TopP: 1}, nil, map[int32]float64{0: .1, 1: .4, 2: .2, 3: .3}},
		{"top-k 2", Sampling{Temperature: 1, TopK: 2, TopP: 1}, nil, map[int32]float64{1: 4. / 7, 3: 3. / 7}},
		{"top-p .65", Sampling{Temperature: 1, TopP: .65}, nil, map[int32]float64{1: 4. / 7, 3: 3. / 7}},
		{"top-p .75", Sampling{Temperature: 1, TopP: .75}, nil, map[int32]float64{1: 4. / 9, 3: 3. / 9, 2: 2. / 9}},
		{"min-p .6", Sampling{Temperature: 1, TopP: 1, MinP: .6}, nil, map[int32]float64{1: 4. / 7, 3: 3. / 7}},
		{"cold", Sampling{Temperature: .5, TopP: 1}, nil, map[int32]float64{
			0: 1. / 30,
			1: 16. / 30,
			2: 4. / 30,
			3: 9. / 30,
		}},
		{"banned", Sampling{Temperature: 1, TopP: 1}, []int32{1, 3}, map[int32]float64{0: 1. / 3, 2: 2. / 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			const n = 20_000
			s := sampler{Sampling: c.s}
			count := map[int32]int{}
			for i := range n {
				id, conf := s.draw(logits, place{sequence: 3}, i, c.banned), confidence(logits, c.banned)
				count[id]++
				if want := float64(0.4); len(c.banned) == 0 && math.Abs(conf-want) > 1e-6 {
					t.Fatalf("confidence %v, want %v", conf, want)
				}
			}
			for id := range int32(4) {
				p := c.want[id]
				if got := float64(count[id]) / n; math.Abs(got-p) > 5*math.Sqrt(p*(1-p)/n) {
					t.Errorf("token %d drawn with frequency %.4f, want %.4f", id, got, p)
				}
			}
		})
	}
}

// However wild the logits, a draw is a token that was not banned, and the same call gives it again.
func TestPickAlwaysPicks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 20).Draw(t, "vocabulary")
		logits := rapid.SliceOfN(rapid.Float32Range(-1e30, 1e30), n, n).Draw(t, "logits")
		set := Sampling{
			Temperature: rapid.Float64Range(0, 3).Draw(t, "temperature"),
			TopK:        rapid.IntRange(0, 25).Draw(t, "k"),
			TopP:        rapid.Float64Range(0.001, 1).Draw(t, "p"),
			MinP:        rapid.Float64Range(0, 1).Draw(t, "min"),
		}
		a, b := sampler{Sampling: set}, sampler{Sampling: set}
		id, conf := a.draw(logits, place{}, 7, nil), confidence(logits, nil)
		again := b.draw(logits, place{}, 7, nil)
		if id < 0 || int(id) >= n || id != again || !(conf > 0 && conf <= 1) {
			t.Fatalf("picked %d, then %d, confidence %v", id, again, conf)
		}
	})
}

func TestAcceptance(t *testing.T) {
	guesses := func(conf ...float64) []guess {
		g := make([]guess, len(conf))
		for i := range conf {
			g[i] = guess{at: i, conf: conf[i]}
		}
		return g
	}
	for _, c := range []struct {
		name string
		a    Acceptance
		conf []float64
		last bool
		want int
	}{
		{"one at least", Acceptance{Threshold: .9}, []float64{.1, .2}, false, 1},
		{"over the threshold", Acceptance{Threshold: .9}, []float64{.95, .2, .9, .89}, false, 2},
		{"threshold 0 takes all", Acceptance{}, []float64{.1, .2, .3}, false, 3},
		{"budget", Acceptance{Budget: .31}, []float64{.9, .85, .5, .95}, false, 3},
		{"budget spent by the first", Acceptance{Budget: .1}, []float64{.5, .4}, false, 1},
		{"last round", Acceptance{Threshold: 1}, []float64{.1, .2, .3}, true, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := guesses(c.conf...)
			if got := c.a.accept(g, noEnd, c.last); got != c.want {
				t.Errorf("accepted %d, want %d", got, c.want)
			}
			for i := 1; i < len(g); i++ {
				if g[i].conf > g[i-1].conf {
					t.Error("not the most reliable first")
				}
			}
		})
	}
}

// An End is accepted only after, or together with, all that is before it in its block.
func TestAnEndWaits(t *testing.T) {
	const end = 9
	for _, c := range []struct {
		name  string
		a     Acceptance
		ids   []int32
		conf  []float64
		last  bool
		kept  []int // places
		block int   // its length afterwards
	}{
		{"though the surest", Acceptance{Threshold: .9}, []int32{1, 2, end}, []float64{.3, .95, .99}, false,
			[]int{1}, 3},
		{"and the first slot goes first if none is sure", Acceptance{Threshold: .9}, []int32{1, 2, 3, end},
			[]float64{.3, .8, .5, .99}, false, []int{0}, 4},
		{"also where the first is an End", Acceptance{Threshold: .9}, []int32{end, 2}, []float64{.3, .8}, false,
			[]int{0}, 1},
		{"the first of all", Acceptance{Threshold: .9}, []int32{end, 2, 3}, []float64{.6, .5, .4}, false, []int{0}, 1},
		{"with all before it", Acceptance{Threshold: .9}, []int32{1, 2, end, end}, []float64{.95, .91, .92, .99}, false,
			[]int{0, 1, 2}, 3},
		{"not with some before it", Acceptance{Threshold: .9}, []int32{1, 2, end}, []float64{.95, .5, .99}, false,
			[]int{0}, 3},
		{"with the first alone it must be sure", Acceptance{Threshold: .9}, []int32{1, end}, []float64{.5, .99}, false,
			[]int{0}, 2},
		{"not sure enough", Acceptance{Threshold: .9}, []int32{1, end}, []float64{.95, .6}, false, []int{0}, 2},
		{"within the budget", Acceptance{Budget: .5}, []int32{1, end}, []float64{.9, .7}, false, []int{0, 1}, 2},
		{"over the budget", Acceptance{Budget: .3}, []int32{1, end}, []float64{.9, .7}, false, []int{0}, 2},
		{"in the last round", Acceptance{Threshold: 1}, []int32{1, end, 2}, []float64{.1, .2, .3}, true,
			[]int{2, 1, 0}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			var g []guess
			for i, id := range c.ids {
				g = append(g, guess{i, id, c.conf[i]})
			}
			keep := c.a.accept(g, end, c.last)
			var places []int
			for _, k := range g[:keep] {
				places = append(places, k.at)
			}
			block, open := settle(make([]int32, len(g)), g, keep, end)
			if !slices.Equal(places, c.kept) || len(block) != c.block ||
				slices.ContainsFunc(open, func(g guess) bool { return g.at >= len(block) }) {
				t.Errorf("accepted places %v, want %v; the block has %d tokens, want %d; %v stay open", places, c.kept,
					len(block), c.block, open)
			}
		})
	}
}
