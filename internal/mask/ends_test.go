package mask

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"dmtrain/internal/batch"
	"dmtrain/internal/rng"
)

const genEnd = genVocab // the End of documents of genText

// genText draws a row's text as documents of Begin, letters and End, the last of which may go on beyond the row.
func genText(t *rapid.T, length int) (ids []int32, lens []int) {
	for len(ids) < length {
		n := rapid.IntRange(0, length/2).Draw(t, "letters")
		ids = append(ids, genEnd)
		for range n {
			ids = append(ids, int32(rapid.IntRange(0, genVocab-1).Draw(t, "letter")))
		}
		ids = append(ids, genEnd)
		lens = append(lens, n+2)
	}
	return ids, lens
}

// layText is one row of documents of the given lengths.
func layText(ids []int32, lens []int, first, length int) *batch.Batch {
	rows := batch.New(1, length)
	rows.First = first
	copy(rows.IDs, ids)
	start := 0
	for _, n := range lens {
		for i := start; i < min(start+n, length); i++ {
			rows.Start[i], rows.End[i], rows.Next[i] = int32(start), int32(min(start+n, length)), -1
			if i+1 < start+n {
				rows.Next[i] = ids[i+1]
			}
		}
		start += n
	}
	return rows
}

// What is hidden may be text or an End: either way all other tokens of the row, its bounds, what is hidden and what
// everyone sees are the same. So nothing of a mask can tell a slot whether it holds an End.
func TestHiddenEndsMoveNothing(t *testing.T) {
	ends := 0
	rapid.Check(t, func(t *rapid.T) {
		const length = 24
		c := genConfig(t)
		c.Form, c.Prob = FormInfill, rapid.SampledFrom([]float64{0.15, 0.5, 0.9}).Draw(t, "rate")
		p, s := genPlanner(t, c, length)
		p.run.End = genEnd
		step := rapid.IntRange(0, 100).Draw(t, "step")
		ids, lens := genText(t, length)
		plan := func(ids []int32, lens []int) (*Plan, *batch.Batch) {
			rows, plan := layText(ids, lens, 3, length), &Plan{}
			p.RepeatEnds(rows, step)
			p.Plan(plan, rows, step, s)
			return plan, rows
		}
		was, rows := plan(ids, lens)
		if err := was.Certify(); err != nil {
			t.Fatal(err)
		}
		for at, from, d := 0, 0, 0; d < len(lens); d++ { // the text of document d goes on for one more letter
			end := from + lens[d] - 1
			for at < length && !(rows.IDs[at] == genEnd && rows.Next[at] < 0) {
				at++
			}
			longer := slices.Clone(lens)
			longer[d]++
			now, moved := plan(slices.Insert(slices.Clone(ids), end, 7), longer)
			from += lens[d]
			if at < length && was.Hidden[at] != 0 {
				ends++
				compareBut(t, was, now, rows, moved, at)
			}
			for at < length && rows.Next[at] < 0 && int(rows.End[at]) > at+1 {
				at++
			}
			at++
		}
	})
	if ends < 20 {
		t.Errorf("only %d Ends were hidden", ends)
	}
}

// compareBut wants two plans that differ in nothing but the text at a place.
func compareBut(t *rapid.T, a, b *Plan, was, now *batch.Batch, at int) {
	if now.IDs[at] != 7 || b.Hidden[at] == 0 {
		t.Fatalf("the End at %d was hidden, the letter %d is not", at, now.IDs[at])
	}
	now.IDs[at] = was.IDs[at]
	for _, c := range [][2][]int32{{was.IDs, now.IDs}, {was.Start, now.Start}, {was.End, now.End}, {a.Window, b.Window},
		{a.Answer, b.Answer},
		{a.Mask.Pos, b.Mask.Pos}, {a.Mask.Lo, b.Mask.Lo}, {a.Mask.Hi, b.Mask.Hi}, {a.Mask.Tag, b.Mask.Tag}} {
		if !slices.Equal(c[0], c[1]) {
			t.Fatalf("a letter for the End at %d:\n%v became\n%v", at, c[0], c[1])
		}
	}
	if !slices.Equal(a.Hidden, b.Hidden) {
		t.Fatalf("a letter for the End at %d: hidden %v became %v", at, a.Hidden, b.Hidden)
	}
}

// The rows of single documents have the room that their Ends need, but for one in a hundred.
func TestEndRoom(t *testing.T) {
	for _, c := range []struct {
		prob float64
		want int
	}{{0.15, 3}, {0.5, 7}, {0.9, 8}, {0, 1}} {
		cfg := infillConfig()
		cfg.Prob = c.prob
		p, err := NewPlanner(cfg, 1, Run{SeqLen: 40, Vocab: genVocab + 1, End: genEnd})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.EndRoom(); got != c.want {
			t.Errorf("prob %v: room %d, want %d", c.prob, got, c.want)
		}
	}
	p, err := NewPlanner(infillConfig(), 1, Run{SeqLen: 40, Vocab: 9, End: -1})
	if err != nil || p.EndRoom() != 0 {
		t.Errorf("room %d without an End (%v)", p.EndRoom(), err)
	}
}

// An End is repeated up to the first place that is not hidden, and not in rows under the static mask.
func TestEndsAreRepeatedWhereTheyAreHidden(t *testing.T) {
	cfg := infillConfig()
	cfg.Prob, cfg.Anchors = 0.5, 2
	p, err := NewPlanner(cfg, 1, Run{SeqLen: 8, Vocab: genVocab + 1, End: genEnd})
	if err != nil {
		t.Fatal(err)
	}
	longest := 0
	for step := range 40 {
		rows := layText([]int32{genEnd, 1, 2, genEnd, genEnd, 3, 4, 5, 6}, []int{4, 5}, 1, 8)
		want := 0
		for step%2 == 0 && 3+want < 7 && rng.Uniform(1, rng.Hide, uint32(step), 1, uint32(3+want)) < 0.5 {
			want++
		}
		p.RepeatEnds(rows, step)
		longest = max(longest, want)
		if got := int(rows.End[0]) - 4; got != want || rows.Next[2] != genEnd || rows.Next[3+want] >= 0 {
			t.Fatalf("step %d: %d repeated Ends, want %d: %v", step, got, want, rows)
		}
		if at := 4 + want; at < 7 &&
			(rows.Start[at] != int32(at) || rows.IDs[at] != genEnd || rows.Next[at] != 3 || rows.End[at] != 8) {
			t.Fatalf("step %d: the next document does not start at %d: %v", step, at, rows)
		}
	}
	if longest < 2 {
		t.Errorf("no End was repeated more than %d times", longest)
	}
}

// Documents of ten tokens, so that there is much to repeat; laying them out anew is part of it.
func BenchmarkRepeatEnds(b *testing.B) {
	const n, length = 16, 128
	p, err := NewPlanner(infillConfig(), 1, Run{SeqLen: length, Vocab: genVocab + 1, End: genEnd})
	if err != nil {
		b.Fatal(err)
	}
	raw := batch.New(n, length)
	for i := range raw.IDs {
		start := i % length / 10 * 10
		end := min(start+10, length)
		raw.IDs[i], raw.Next[i], raw.Start[i], raw.End[i] = 1, 1, int32(start), int32(end)
		if i%length == end-1 {
			raw.IDs[i], raw.Next[i] = genEnd, -1
		}
	}
	rows := batch.New(n, length)
	b.ReportAllocs()
	for b.Loop() {
		copy(rows.IDs, raw.IDs)
		copy(rows.Next, raw.Next)
		copy(rows.Start, raw.Start)
		copy(rows.End, raw.End)
		p.RepeatEnds(rows, 1)
	}
}
