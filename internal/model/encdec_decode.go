package model

import (
	"fmt"

	"dmtrain/internal/graph"
	"dmtrain/internal/mask"
	"dmtrain/internal/tensor"
)

// PairDecodeOptions are the size of a decoding pass. Row n·Beams+k of the targets is beam k of source n.
type PairDecodeOptions struct {
	Sources, Beams int
	T              int // new target tokens a row reads in one pass
	S, Context     int // longest source and longest target
}

// PairDecode is the encoder–decoder recorded for decoding. ReadSource runs the encoder once and keeps what every layer of the decoder
// sees of the sources; Run reads T new tokens a row, whose keys and values join those of the row's earlier ones.
type PairDecode struct {
	PairDecodeOptions
	Logits *graph.Value // (B, T, V) for B = Sources·Beams

	m          *EncoderDecoder
	prog       *graph.Program
	encoder    *encoderPass
	target     side
	rate, draw *graph.Value
	cross      *crossInputs
	scratch    *reorderScratch
	shares     bool // encoder, cache and scratch belong to another pass
}

// encoderPass is the encoder recorded alone, with the decoder's keys and values of its output.
type encoderPass struct {
	prog   *graph.Program
	source *sourceInputs
	kv     []*graph.Value // a layer each: (Sources, S, 2C)
}

// NewDecode records a decoding pass. share, which may be nil, is one of the same size but for T, whose sources and cache this one
// uses too: a prompt is read by a pass of many tokens and continued by one of a single token.
func (m *EncoderDecoder) NewDecode(o PairDecodeOptions, share *PairDecode) (*PairDecode, error) {
	if n := max(o.S, o.Context); n > m.Context {
		return nil, fmt.Errorf("%d tokens a row, but the model has %d positions", n, m.Context)
	}
	d := &PairDecode{PairDecodeOptions: o, m: m, shares: share != nil}
	if share != nil {
		d.encoder, d.scratch = share.encoder, share.scratch
	} else if err := d.open(); err != nil {
		return nil, err
	}
	if err := d.record(share); err != nil {
		d.freeShared()
		return nil, err
	}
	return d, nil
}

// rows is B, the targets decoded at once.
func (d *PairDecode) rows() int { return d.Sources * d.Beams }

// open makes what passes share: the encoder and, where beams may change places, the memory to move them.
func (d *PairDecode) open() error {
	var err error
	if d.encoder, err = d.m.newEncoderPass(d.Sources, d.S); err != nil {
		return err
	}
	if d.Beams > 1 {
		if d.scratch, err = newReorderScratch(d.m.be, d.m.Precision, d.rows()*d.Context, d.m.Dim); err != nil {
			d.encoder.prog.Free()
			return err
		}
	}
	return nil
}

func (m *EncoderDecoder) newEncoderPass(b, s int) (*encoderPass, error) {
	g := graph.New(m.be, false)
	e := &encoderPass{source: newSourceInputs(g, b, s, false, m.CausalEncoder)}
	r := pairRecorder{EncoderDecoder: m, g: g}
	e.kv = r.keysValues(r.encode(e.source.side))
	for _, kv := range e.kv {
		kv.Keep()
	}
	prog, err := g.Compile()
	if err != nil {
		return nil, err
	}
	e.prog = prog
	uploadPositions(m.be, e.source.positions)
	return e, nil
}

// record records the decoder over the caches of share, or over new ones.
func (d *PairDecode) record(share *PairDecode) error {
	b, t := d.rows(), d.T
	g := graph.New(d.m.be, false)
	d.target = side{ids: g.Input(tensor.Int32, b, t), positions: g.Input(tensor.Int32, b, t), mask: g.Mask(b, t, d.Context, false),
		cache: &cache{at: g.Input(tensor.Int32, b*t)}}
	d.rate, d.draw = g.Input(tensor.Float32, b, t), g.Input(tensor.Int32, 4)
	d.target.hidden = g.Bernoulli(d.rate, d.draw)
	d.cross = newCrossInputs(g, d.Sources, d.Beams*t, d.S)
	c := d.target.cache
	if share != nil {
		c.keys, c.values = share.target.cache.keys, share.target.cache.values
	} else {
		for range d.m.Layers {
			c.keys = append(c.keys, g.State(d.m.Precision, b, d.Context, d.m.Dim))
			c.values = append(c.values, g.State(d.m.Precision, b, d.Context, d.m.Dim))
		}
	}
	d.Logits = pairRecorder{EncoderDecoder: d.m, g: g}.decode(d.target, d.encoder.kv, d.cross.Mask).Keep()
	prog, err := g.Compile()
	if err != nil {
		return err
	}
	d.prog = prog
	return nil
}

// ReadSource encodes one source for each row of Sources; it holds until the next.
func (d *PairDecode) ReadSource(src *Source) {
	d.encoder.source.load(d.m.be, src)
	d.encoder.prog.Forward()
}

// PairTokens are the rows of one decoding pass.
type PairTokens struct {
	Tokens
	Sees []int32 // (B, T): the last source position each token sees
}

// NewTokens makes room for a pass's rows; nothing is cached or visible yet but the whole source.
func (d *PairDecode) NewTokens() *PairTokens {
	n, cached := d.rows()*d.T, d.rows()*d.Context
	t := &PairTokens{Tokens: Tokens{IDs: make([]int32, n), Positions: make([]int32, n), Keep: make([]bool, n), Hidden: make([]float32, n),
		Lo: make([]int32, n), Hi: make([]int32, n), Pos: make([]int32, cached)}, Sees: make([]int32, n)}
	for i := range t.Pos {
		t.Pos[i] = mask.Inf
	}
	for i := range t.Sees {
		t.Sees[i] = int32(d.S - 1)
	}
	return t
}

// Run reads the tokens, leaving the keys and values of those to keep in the cache, and downloads the logits (B·T·V).
func (d *PairDecode) Run(t *PairTokens, logits []float32) error {
	be := d.m.be
	be.Upload(d.target.ids.Buffer(), t.IDs)
	be.Upload(d.target.positions.Buffer(), t.Positions)
	be.Upload(d.rate.Buffer(), t.Hidden)
	be.Upload(d.target.cache.at.Buffer(), d.cacheRows(t))
	be.Upload(d.target.mask.Pos.Buffer(), t.Pos)
	be.Upload(d.target.mask.Lo.Buffer(), t.Lo)
	be.Upload(d.target.mask.Hi.Buffer(), t.Hi)
	d.cross.load(be, d.encoder.source.level, t.Sees)
	d.prog.Forward()
	return be.Download(logits, d.Logits.Buffer())
}

// cacheRows says which row of the cache each token's key and value take; −1 is none.
func (d *PairDecode) cacheRows(t *PairTokens) []int32 {
	at := make([]int32, len(t.IDs))
	for i := range at {
		at[i] = -1
		if t.Keep[i] {
			at[i] = int32(i/d.T*d.Context) + t.Positions[i]
		}
	}
	return at
}

// Reorder makes row b continue what row parents[b], a beam of the same source, has read so far: its first n positions.
func (d *PairDecode) Reorder(parents []int32, n int) {
	var from, to []int32
	for b, parent := range parents {
		if int(parent) == b {
			continue
		}
		for i := range n {
			from = append(from, parent*int32(d.Context)+int32(i))
			to = append(to, int32(b*d.Context+i))
		}
	}
	if len(from) == 0 {
		return
	}
	m := d.scratch.moves(d.m.be, from, to)
	for i := range d.m.Layers {
		m.run(d.m.be, d.target.cache.keys[i].Buffer(), d.m.Dim)
		m.run(d.m.be, d.target.cache.values[i].Buffer(), d.m.Dim)
	}
}

// Free gives the pass's memory back; what passes share goes with the one that made it.
func (d *PairDecode) Free() {
	d.prog.Free()
	d.freeShared()
}

func (d *PairDecode) freeShared() {
	if d.shares {
		return
	}
	d.encoder.prog.Free()
	if d.scratch != nil {
		d.scratch.free(d.m.be)
	}
}
