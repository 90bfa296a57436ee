package model_test

import (
	"math"
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/model"
)

// decoding drives a cached decode of given targets: what a decoder would do, but for choosing the tokens.
type decoding struct {
	t            *testing.T
	vocab, beams int
	many, one    *model.PairDecode // passes of four tokens and of one
	sees         func(at int) int32
}

func newDecoding(t *testing.T, m *model.EncoderDecoder, p *pairs, beams int) *decoding {
	t.Helper()
	o := model.PairDecodeOptions{Sources: p.b, Beams: beams, T: 4, S: p.s, Context: m.Context}
	many, err := m.NewDecode(o, nil)
	if err != nil {
		t.Fatal(err)
	}
	o.T = 1
	one, err := m.NewDecode(o, many)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { one.Free(); many.Free() })
	many.ReadSource(p.source)
	return &decoding{t: t, vocab: m.Vocab, beams: beams, many: many, one: one, sees: func(int) int32 { return int32(p.s - 1) }}
}

// read gives every row its tokens from position at on, and returns the logits by row.
func (d *decoding) read(pass *model.PairDecode, at int, row func(b int) []int32) [][]float32 {
	d.t.Helper()
	rows := pass.Sources * pass.Beams
	tok := pass.NewTokens()
	for b := range rows {
		for i := range at + pass.T {
			tok.Pos[b*pass.Context+i] = int32(i)
		}
		for i := range pass.T {
			k := b*pass.T + i
			tok.IDs[k], tok.Positions[k], tok.Keep[k], tok.Hi[k] = row(b)[at+i], int32(at+i), true, int32(at+i)
			tok.Sees[k] = d.sees(at + i)
		}
	}
	flat := make([]float32, rows*pass.T*d.vocab)
	if err := pass.Run(tok, flat); err != nil {
		d.t.Fatal(err)
	}
	var out [][]float32
	for b := range rows {
		out = append(out, flat[b*pass.T*d.vocab:(b+1)*pass.T*d.vocab])
	}
	return out
}

// near requires the logits to be those of a full pass from position at on.
func near(t *testing.T, what string, got, full []float32, at, vocab int) {
	t.Helper()
	for i := range got {
		if want := full[at*vocab+i]; math.Abs(float64(got[i]-want)) > 1e-5 {
			t.Fatalf("%s, position %d: logit %v, full pass %v", what, at+i/vocab, got[i], want)
		}
	}
}

// A cached decode gives what a full pass gives: sources of different lengths, a prompt read at once and then token by token, under full
// and under wait-k attention to the source.
func TestPairDecodeEqualsFullPass(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			m := newPairModel(t, b, smallPair, false)
			m.Init(3)
			p := randomPairs(3, 7, 8, m.Vocab, 0)
			decodeEqualsFullPassOf(t, b, m, p, func(int) int32 { return int32(p.s - 1) })
			decodeEqualsFullPassOf(t, b, m, p, func(at int) int32 { return int32(at + 1) })
		})
	}
}

func decodeEqualsFullPassOf(t *testing.T, be kernels.Backend, m *model.EncoderDecoder, p *pairs, sees func(at int) int32) {
	t.Helper()
	for i := range p.sees {
		p.sees[i] = sees(i % p.t)
	}
	full := p.logits(t, be, m)
	d := newDecoding(t, m, p, 1)
	d.sees = sees
	row := func(b int) []int32 { return p.ids[b*p.t : (b+1)*p.t] }
	for at := 0; at < p.t; {
		pass := d.one
		if at == 0 {
			pass = d.many
		}
		for b, got := range d.read(pass, at, row) {
			near(t, "row", got, full[b*p.t*m.Vocab:(b+1)*p.t*m.Vocab], at, m.Vocab)
		}
		at += pass.T
	}
}

// Beams share their source, and after Reorder each continues its parent's history.
func TestReorderedBeamsContinueTheirParents(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) { reorderedBeams(t, b) })
	}
}

func reorderedBeams(t *testing.T, be kernels.Backend) {
	const beams, n = 3, 8
	m := newPairModel(t, be, smallPair, false)
	m.Init(3)
	p := randomPairs(2, 7, n, m.Vocab, 0)
	d := newDecoding(t, m, p, beams)

	history := make([][]int32, p.b*beams) // every row's tokens, as beam search would have chosen them
	for b := range history {
		for i := range n {
			history[b] = append(history[b], int32((b*5+i*3)%m.Vocab))
		}
	}
	row := func(b int) []int32 { return history[b] }
	d.read(d.many, 0, row)
	for _, step := range []struct {
		at      int
		parents []int32
	}{
		{4, []int32{1, 0, 0, 5, 3, 4}}, // swapped, doubled; a cycle
		{5, []int32{0, 1, 2, 3, 4, 5}}, // nothing moves
		{6, []int32{2, 2, 2, 3, 3, 5}},
	} {
		d.one.Reorder(step.parents, step.at)
		next := make([][]int32, len(history))
		for b, parent := range step.parents {
			next[b] = append(append([]int32{}, history[parent][:step.at]...), history[b][step.at:]...)
		}
		history = next
		for b, got := range d.read(d.one, step.at, row) {
			near(t, "beam", got, p.fullPassOf(t, be, m, b/beams, history[b]), step.at, m.Vocab)
		}
	}
}

// fullPassOf are the logits of one target for the source of one row.
func (p *pairs) fullPassOf(t *testing.T, be kernels.Backend, m *model.EncoderDecoder, row int, ids []int32) []float32 {
	t.Helper()
	one := randomPairs(1, p.s, len(ids), m.Vocab, 0)
	one.source.IDs, one.source.Len = p.source.IDs[row*p.s:(row+1)*p.s], p.source.Len[row:row+1]
	one.ids = ids
	return one.logits(t, be, m)
}
