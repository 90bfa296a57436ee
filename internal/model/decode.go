package model

import (
	"dmtrain/internal/graph"
	"dmtrain/internal/mask"
)

// DecodeOptions are a decoding pass's shape. Row n·Beams+k is beam k of source n; without an encoder a source is but
// the number of a text.
type DecodeOptions struct {
	Sources, Beams int
	S              int  // longest source; 0 without an encoder
	T              int  // new tokens a row reads in one pass
	Second         bool // the mask has a second interval
}

// Rows is B, the texts decoded at once.
func (o DecodeOptions) Rows() int { return o.Sources * o.Beams }

// Decode is a model recorded for decoding: B rows of T new tokens each, attending to up to Context cached ones. With an
// encoder, ReadSource runs that once and keeps what every layer of the decoder sees of the sources.
type Decode struct {
	DecodeOptions
	Context int // cached positions of a row: the model's

	m                  *Model
	prog               *graph.Program
	ids, positions, at *staging[int32]
	hidden             *staging[uint8]
	logits             *staging[float32] // (B, T, V)
	self               *stagedMask
	cross              *stagedMask // nil without an encoder
	*shared
	shares bool // shared belongs to another pass
}

// shared is what passes over the same texts have in common.
type shared struct {
	cache   cache
	encoder *encoderPass // nil without an encoder
	reorder *reorder     // nil with one beam
}

// NewDecode records a decoding pass. share, which may be nil, is one of the same size but for T, whose sources and
// cache this one uses too: a prompt is read by a pass of many tokens and continued by one of a single token.
func (m *Model) NewDecode(o DecodeOptions, share *Decode) (*Decode, error) {
	if err := m.fits(o.S, o.T); err != nil {
		return nil, err
	}
	d := &Decode{DecodeOptions: o, Context: m.Context, m: m, shared: &shared{}}
	if share != nil {
		d.shared, d.shares = share.shared, true
	} else if m.Encoder {
		var err error
		if d.encoder, err = m.newEncoderPass(o.Sources, o.S); err != nil {
			return nil, err
		}
	}
	if err := d.record(); err != nil {
		d.freeShared()
		return nil, err
	}
	return d, nil
}

// record records the decoder.
func (d *Decode) record() error {
	b, t := d.Rows(), d.T
	g := graph.New(d.m.be, false)
	d.ids, d.positions, d.at, d.hidden = ints(g, b, t), ints(g, b, t), ints(g, b*t), flags(g, b, t)
	d.self = newMask(g, b, t, d.Context, d.Second)
	r := recorder{Model: d.m, g: g}
	if !d.shares {
		d.allocate(g)
	}
	in := text{
		ids:       d.ids.value,
		positions: d.positions.value,
		hidden:    d.hidden.value,
		mask:      d.self.Mask,
		cache:     &cache{d.cache.keys, d.cache.values, d.at.value},
	}
	var from *edge
	if d.encoder != nil {
		d.cross = newMask(g, d.Sources, d.Beams*t, d.S, false)
		from = &edge{d.encoder.keysValues, d.cross.Mask}
	}
	d.logits = stage[float32](r.decode(in, from).Keep())
	var err error
	d.prog, err = g.Compile()
	return err
}

// allocate makes the cache and, where beams may change places, room to move it.
func (d *Decode) allocate(g *graph.Graph) {
	b, m := d.Rows(), d.m
	for range m.Layers {
		d.cache.keys = append(d.cache.keys, g.State(m.Precision, b, d.Context, m.Dim))
		d.cache.values = append(d.cache.values, g.State(m.Precision, b, d.Context, m.Dim))
	}
	if d.Beams > 1 {
		d.reorder = newReorder(g, m.Precision, b*d.Context, m.Dim)
	}
}

// encoderPass is the encoder recorded alone, with the decoder's keys and values of its output.
type encoderPass struct {
	prog       *graph.Program
	source     *textInputs
	keysValues []*graph.Value // a layer each: (Sources, S, 2C)
}

func (m *Model) newEncoderPass(b, s int) (*encoderPass, error) {
	g := graph.New(m.be, false)
	e := &encoderPass{source: newTextInputs(g, b, s, false, false)}
	r := recorder{Model: m, g: g}
	e.keysValues = r.keysValues(r.encode(e.source.text))
	for _, kv := range e.keysValues {
		kv.Keep()
	}
	var err error
	if e.prog, err = g.Compile(); err != nil {
		return nil, err
	}
	e.source.number(m.be)
	return e, nil
}

// ReadSource encodes one source (Sources, S) for each row of Sources, which see themselves as the mask says; it holds
// until the next.
func (d *Decode) ReadSource(ids []int32, self *mask.Mask) {
	d.encoder.source.load(d.m.be, ids, self, nil)
	d.encoder.prog.Forward()
}

// Tokens are the rows of one decoding pass, all (B, T).
type Tokens struct {
	IDs       []int32
	Positions []int32   // which position embedding
	At        []int32   // the row of the cache that the token's key and value take, of B·Context; −1: none
	Hidden    []uint8   // 1: a slot, its embedding filled; 0: an ordinary token
	Self      mask.Mask // (B, T, Context): what each token sees of the cached positions
	Cross     mask.Mask // (Sources, Beams·T, S): what it sees of its source; without an encoder it has no vectors
}

// NewTokens makes room for a pass's rows; nothing is cached or visible yet.
func (d *Decode) NewTokens() *Tokens {
	b := d.Rows()
	n := b * d.T
	t := &Tokens{
		IDs:       make([]int32, n),
		Positions: make([]int32, n),
		At:        make([]int32, n),
		Hidden:    make([]uint8, n),
		Self:      mask.NewMask(b, d.T, d.Context),
	}
	for i := range t.At {
		t.At[i] = -1
	}
	for i := range t.Self.Pos {
		t.Self.Pos[i] = mask.Inf
	}
	if d.Second {
		t.Self.Tag, t.Self.A, t.Self.B = make([]int32, n), make([]int32, b*d.Context), make([]int32, b*d.Context)
	}
	if d.cross != nil {
		t.Cross = mask.NewMask(d.Sources, d.Beams*d.T, d.S)
	}
	return t
}

// Run reads the tokens, leaving the keys and values of those to keep in the cache, and returns the logits (B·T·V),
// which hold until the next Run.
func (d *Decode) Run(t *Tokens) ([]float32, error) {
	be := d.m.be
	d.ids.upload(be, t.IDs)
	d.positions.upload(be, t.Positions)
	d.hidden.upload(be, t.Hidden)
	d.at.upload(be, t.At)
	d.self.upload(be, &t.Self)
	if d.cross != nil {
		d.cross.upload(be, &t.Cross)
	}
	d.prog.Forward()
	return d.logits.download(be)
}

// Reorder makes row b continue what row parents[b], a beam of the same source, has read so far: its first n positions.
func (d *Decode) Reorder(parents []int32, n int) {
	if d.reorder == nil || !d.reorder.plan(d.m.be, parents, n, d.Context) {
		return
	}
	for i := range d.m.Layers {
		d.reorder.move(d.m.be, d.cache.keys[i].Buffer())
		d.reorder.move(d.m.be, d.cache.values[i].Buffer())
	}
}

// Free gives the pass's memory back; what passes share goes with the one that made it.
func (d *Decode) Free() {
	d.prog.Free()
	d.freeShared()
}

func (d *Decode) freeShared() {
	if d.encoder != nil && !d.shares {
		d.encoder.prog.Free()
	}
}
