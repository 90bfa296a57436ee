package model

import (
	"fmt"

	"dmtrain/internal/graph"
	"dmtrain/internal/mask"
	"dmtrain/internal/tensor"
)

// cache holds every layer's keys and values of tokens already read.
type cache struct {
	keys, values []*graph.Value // a layer each: (B, S, C)
	at           *graph.Value   // int32 (B·T): where the pass's rows go; −1: nowhere
}

// DecodeOptions are a decoding pass's shape.
type DecodeOptions struct {
	B, T   int
	Second bool // the mask has a second interval
}

// Decode is the decoder recorded for decoding: B rows of T new tokens each, attending to up to S = Context cached ones.
type Decode struct {
	DecodeOptions
	S      int          // cached positions: the model's context
	Logits *graph.Value // (B, T, V)

	m                  *Decoder
	prog               *graph.Program
	ids, positions, at *staging[int32]
	rate               *staging[float32]
	mask               stagedMask
	cache              *cache
}

// NewDecode records a decoding pass. share, which may be nil, is a pass of the same B whose cache this one reads and
// writes: a prompt is read by one pass of many tokens and continued by one of a single token.
func (m *Decoder) NewDecode(o DecodeOptions, share *Decode) (*Decode, error) {
	b, t := o.B, o.T
	if t > m.Context {
		return nil, fmt.Errorf("%d tokens at once, but the model has %d positions", t, m.Context)
	}
	g := graph.New(m.be, false)
	d := &Decode{DecodeOptions: o, S: m.Context, m: m, ids: ints(g, b, t), positions: ints(g, b, t), at: ints(g, b*t),
		rate: floats(g, b, t), mask: stageMask(g.Mask(b, t, m.Context, o.Second))}
	d.cache = &cache{at: d.at.value}
	if share != nil {
		d.cache.keys, d.cache.values = share.cache.keys, share.cache.values
	} else {
		for range m.Layers {
			d.cache.keys = append(d.cache.keys, g.State(m.Precision, b, d.S, m.Dim))
			d.cache.values = append(d.cache.values, g.State(m.Precision, b, d.S, m.Dim))
		}
	}
	draw := g.Input(tensor.Int32, 4) // stays 0: rates are 0 or 1, which no draw can change
	d.Logits = m.record(g, inputs{ids: d.ids.value, positions: d.positions.value, hidden: g.Bernoulli(d.rate.value, draw),
		mask: d.mask.Mask, draw: draw, cache: d.cache}).Keep()
	prog, err := g.Compile()
	if err != nil {
		return nil, err
	}
	d.prog = prog
	return d, nil
}

// Tokens are the rows of one decoding pass, all (B, T) but Pos.
type Tokens struct {
	IDs       []int32
	Positions []int32   // which position embedding; also the cache row a kept token takes
	Keep      []bool    // the token's key and value enter the cache
	Hidden    []float32 // 1: a slot, its embedding filled; 0: an ordinary token
	Lo, Hi    []int32   // the levels each token sees
	Pos       []int32   // (B, S): level of each cached position; mask.Inf where nothing is visible
	Tag       []int32   // with DecodeOptions.Second
	A, B      []int32   // (B, S), with DecodeOptions.Second
}

// NewTokens makes room for a pass's rows; nothing is cached or visible yet.
func (d *Decode) NewTokens() *Tokens {
	n := d.B * d.T
	t := &Tokens{IDs: make([]int32, n), Positions: make([]int32, n), Keep: make([]bool, n), Hidden: make([]float32, n),
		Lo: make([]int32, n), Hi: make([]int32, n), Pos: make([]int32, d.B*d.S)}
	for i := range t.Pos {
		t.Pos[i] = mask.Inf
	}
	if d.Second {
		t.Tag, t.A, t.B = make([]int32, n), make([]int32, d.B*d.S), make([]int32, d.B*d.S)
	}
	return t
}

// Run reads the tokens, leaving their keys and values in the cache, and downloads the logits (B·T·V).
func (d *Decode) Run(t *Tokens, logits []float32) error {
	be := d.m.be
	d.ids.upload(be, t.IDs)
	d.positions.upload(be, t.Positions)
	d.rate.upload(be, t.Hidden)
	d.at.upload(be, d.cacheRows(t))
	d.mask.upload(be, t.Pos, t.Lo, t.Hi, t.Tag, t.A, t.B)
	d.prog.Forward()
	return be.Download(logits, d.Logits.Buffer())
}

// cacheRows says where each row's key and value go.
func (d *Decode) cacheRows(t *Tokens) []int32 {
	at := d.at.room()
	for i := range at {
		at[i] = -1
		if t.Keep[i] {
			at[i] = int32(i/d.T*d.S) + t.Positions[i]
		}
	}
	return at
}

// Free gives the pass's memory back; a shared cache goes with the pass that made it.
func (d *Decode) Free() { d.prog.Free() }
