package model_test

import (
	"math"
	"slices"
	"testing"

	"dmtrain/internal/batch"
	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/cpu"
	"dmtrain/internal/mask"
	"dmtrain/internal/model"
	"dmtrain/internal/tensor"
)

// decoding drives a cached decode of given texts under a plan: what a decoder would do, but for choosing the tokens.
type decoding struct {
	t         *testing.T
	plan      *mask.Plan // rows of at least as many tokens as are read
	many, one *model.Decode
	vocab     int
}

func newDecoding(t *testing.T, m *model.Model, rows *batch.Batch, plan *mask.Plan, beams int) *decoding {
	t.Helper()
	o := model.DecodeOptions{
		Sources: rows.B,
		Beams:   beams,
		T:       4,
		Second:  plan.Mask.Tag != nil,
	}
	if m.Encoder {
		o.S = rows.Sources[0].T
	}
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
	if m.Encoder {
		many.ReadSource(rows.Sources[0].IDs, &plan.Sources[0].Self)
	}
	return &decoding{
		t:     t,
		plan:  plan,
		many:  many,
		one:   one,
		vocab: m.Vocab,
	}
}

// tokens are a pass's rows, which read their tokens from position at on.
func (d *decoding) tokens(pass *model.Decode, at int, row func(b int) []int32) *model.Tokens {
	tok, m := pass.NewTokens(), &d.plan.Mask
	for b := range pass.Rows() {
		src := b / pass.Beams
		for j := range at + pass.T {
			to, from := b*pass.Context+j, src*m.T+j
			tok.Self.Pos[to] = m.Pos[from]
			if m.Tag != nil {
				tok.Self.A[to], tok.Self.B[to] = m.A[from], m.B[from]
			}
		}
		for i := range pass.T {
			k, from := b*pass.T+i, src*m.T+at+i
			tok.IDs[k], tok.Positions[k], tok.At[k] = row(b)[at+i], int32(at+i), int32(b*pass.Context+at+i)
			tok.Self.Lo[k], tok.Self.Hi[k] = m.Lo[from], m.Hi[from]
			if m.Tag != nil {
				tok.Self.Tag[k] = m.Tag[from]
			}
			if len(d.plan.Sources) > 0 {
				tok.Cross.Hi[k] = d.plan.Sources[0].Cross.Hi[from]
			}
		}
	}
	if len(d.plan.Sources) > 0 {
		copy(tok.Cross.Pos, d.plan.Sources[0].Cross.Pos)
	}
	return tok
}

// read gives every row its tokens from position at on, and returns the logits by row.
func (d *decoding) read(pass *model.Decode, at int, row func(b int) []int32) [][]float32 {
	d.t.Helper()
	logits, err := pass.Run(d.tokens(pass, at, row))
	if err != nil {
		d.t.Fatal(err)
	}
	return slices.Collect(slices.Chunk(slices.Clone(logits), pass.T*d.vocab))
}

// near requires the logits to be those of a full pass from position at on.
func near(t *testing.T, what string, got, full []float32, at, vocab int, tol float64) {
	t.Helper()
	for i := range got {
		if want := full[at*vocab+i]; math.Abs(float64(got[i]-want)) > tol {
			t.Fatalf("%s, position %d: logit %v, full pass %v", what, at+i/vocab, got[i], want)
		}
	}
}

// fullPass are the logits of one pass over everything.
func fullPass(t *testing.T, be kernels.Backend, m *model.Model, rows *batch.Batch, plan *mask.Plan) []float32 {
	t.Helper()
	o := model.PassOptions{
		B:      rows.B,
		T:      rows.T,
		Logits: true,
		Second: plan.Mask.Tag != nil,
	}
	if m.Encoder {
		o.S = rows.Sources[0].T
	}
	pass := newPass(t, m, o)
	pass.Load(rows, plan)
	pass.Forward()
	return read(t, be, pass.Logits.Buffer())
}

// A cached decode gives what a full pass gives, whichever way the tokens are cut into passes.
func decodeEqualsFullPass(
	t *testing.T, be kernels.Backend, m *model.Model, rows *batch.Batch, plan *mask.Plan, tol float64,
) {
	t.Helper()
	full := fullPass(t, be, m, rows, plan)
	d := newDecoding(t, m, rows, plan, 1)
	row := func(b int) []int32 { return rows.IDs[b*rows.T : (b+1)*rows.T] }
	for at := 0; at < rows.T; {
		pass := d.one
		if at == 0 {
			pass = d.many
		}
		for b, got := range d.read(pass, at, row) {
			near(t, "row", got, full[b*rows.T*m.Vocab:(b+1)*rows.T*m.Vocab], at, m.Vocab, tol)
		}
		at += pass.T
	}
}

func textModel(t *testing.T, be kernels.Backend, precision tensor.DType) *model.Model {
	t.Helper()
	m := newModel(t, be, model.Config{
		Vocab:     13,
		Context:   12,
		Layers:    2,
		Heads:     2,
		Dim:       16,
		Precision: precision,
	}, false)
	m.Init(3)
	return m
}

func TestDecodeEqualsFullPass(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			m := textModel(t, b, tensor.Float32)
			rows, plan := causalPlan(2, 10, m.Vocab, 0)
			decodeEqualsFullPass(t, b, m, rows, plan, 1e-6)
		})
	}
}

// With a second interval: each position sees the first two and the last three.
func TestDecodeWithASecondInterval(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			m := textModel(t, b, tensor.Float32)
			rows, plan := causalPlan(2, 10, m.Vocab, 0)
			want := fullPass(t, b, m, rows, plan)
			addSinks(plan)
			if slices.Equal(fullPass(t, b, m, rows, plan), want) {
				t.Fatal("the second interval hides nothing")
			}
			decodeEqualsFullPass(t, b, m, rows, plan, 1e-6)
			pair := newModel(t, b, smallPair, false)
			pair.Init(3)
			p := randomPairs(3, 7, 8, smallPair, 0)
			addSinks(p.plan)
			decodeEqualsFullPass(t, b, pair, p.batch, p.plan, 1e-5)
		})
	}
}

func addSinks(p *mask.Plan) {
	m := &p.Mask
	for n := range m.Pos {
		at := int32(n % m.T)
		last := at + 2
		if at < 2 {
			last = mask.Inf
		}
		m.Tag, m.A, m.B = append(m.Tag, at), append(m.A, 0), append(m.B, last)
	}
}

// Sources are of different lengths, and attention to them is full or waits.
func TestPairDecodeEqualsFullPass(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			m := newModel(t, b, smallPair, false)
			m.Init(3)
			p := randomPairs(3, 7, 8, smallPair, 0)
			decodeEqualsFullPass(t, b, m, p.batch, p.plan, 1e-5)
			for i := range p.limit() {
				p.limit()[i] = int32(min(i%p.t+1, p.s-1))
			}
			decodeEqualsFullPass(t, b, m, p.batch, p.plan, 1e-5)
		})
	}
}

// Key–value caches are bfloat16 then too, and a cached decode gives a full pass's logits but for the rounding of
// attention, whose kernel for a few queries sums in another order.
func TestBFloat16DecodeEqualsFullPass(t *testing.T) {
	for _, b := range lowBackends(t) {
		t.Run(b.name, func(t *testing.T) {
			m := textModel(t, b, tensor.BFloat16)
			rows, plan := causalPlan(2, 10, m.Vocab, 0)
			decodeEqualsFullPass(t, b, m, rows, plan, 0.1)
		})
	}
}

// Beams share their source, if there is one, and after Reorder each continues its parent's history.
func TestReorderedBeamsContinueTheirParents(t *testing.T) {
	const n = 8
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			m := textModel(t, b, tensor.Float32)
			rows, plan := causalPlan(2, n, m.Vocab, 0)
			reorderedBeams(t, b, m, rows, plan)
			pair := newModel(t, b, smallPair, false)
			pair.Init(3)
			p := randomPairs(2, 7, n, smallPair, 0)
			reorderedBeams(t, b, pair, p.batch, p.plan)
		})
	}
}

func reorderedBeams(t *testing.T, be kernels.Backend, m *model.Model, rows *batch.Batch, plan *mask.Plan) {
	t.Helper()
	const beams = 3
	d := newDecoding(t, m, rows, plan, beams)
	history := make([][]int32, rows.B*beams) // every row's tokens, as beam search would have chosen them
	for b := range history {
		for i := range rows.T {
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
		got := d.read(d.one, step.at, row)
		for k := range beams { // a full pass over all sources, with a beam each
			full := *rows
			full.IDs = nil
			for src := range rows.B {
				full.IDs = append(full.IDs, history[src*beams+k]...)
			}
			want := fullPass(t, be, m, &full, plan)
			for src := range rows.B {
				near(t, "beam", got[src*beams+k], want[src*rows.T*m.Vocab:][:rows.T*m.Vocab], step.at, m.Vocab, 1e-5)
			}
		}
	}
}

// A step of decoding, with beams that change places, leaves nothing to collect.
func TestDecodingAllocatesNothing(t *testing.T) {
	be, err := cpu.New(cpu.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer be.Close()
	m := textModel(t, be, tensor.Float32)
	rows, plan := causalPlan(2, 8, m.Vocab, 0)
	addSinks(plan)
	pair := newModel(t, be, smallPair, false)
	p := randomPairs(2, 7, 8, smallPair, 0)
	for _, c := range []*decoding{newDecoding(t, m, rows, plan, 2), newDecoding(t, pair, p.batch, p.plan, 2)} {
		tok := c.tokens(c.one, 0, func(int) []int32 { return rows.IDs })
		parents := []int32{1, 0, 2, 2}
		step := func() {
			if _, err := c.one.Run(tok); err != nil {
				t.Fatal(err)
			}
			c.one.Reorder(parents, 1)
		}
		step()
		if n := testing.AllocsPerRun(10, step); n != 0 {
			t.Errorf("sources of %d tokens: %v allocations a step", c.one.S, n)
		}
	}
}
