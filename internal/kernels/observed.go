package kernels

// Observed is a backend that has another one do all work, and tells of each operation. It offers the contract and
// nothing besides.
type Observed struct {
	Backend
	ops    map[string]Op
	around func(o Op, args any, call func())
}

// Observe wraps a backend. Around is given each operation and its arguments, and makes the call.
func Observe(be Backend, around func(o Op, args any, call func())) Observed {
	o := Observed{Backend: be, ops: map[string]Op{}, around: around}
	for _, op := range Ops() {
		o.ops[op.Name] = op
	}
	return o
}

func (o Observed) observe(name string, args any) {
	op := o.ops[name]
	o.around(op, args, func() { op.Call(o.Backend, args) })
}

// One method for each row of Ops.

func (o Observed) MatMul(a MatMul)                         { o.observe("MatMul", a) }
func (o Observed) BiasGrad(a BiasGrad)                     { o.observe("BiasGrad", a) }
func (o Observed) Embed(a Embed)                           { o.observe("Embed", a) }
func (o Observed) EmbedBackward(a EmbedBackward)           { o.observe("EmbedBackward", a) }
func (o Observed) PutRows(a PutRows)                       { o.observe("PutRows", a) }
func (o Observed) GetRows(a GetRows)                       { o.observe("GetRows", a) }
func (o Observed) LayerNorm(a LayerNorm)                   { o.observe("LayerNorm", a) }
func (o Observed) LayerNormBackward(a LayerNormBackward)   { o.observe("LayerNormBackward", a) }
func (o Observed) Add(a Add)                               { o.observe("Add", a) }
func (o Observed) Scale(a Scale)                           { o.observe("Scale", a) }
func (o Observed) GeluBackward(a GeluBackward)             { o.observe("GeluBackward", a) }
func (o Observed) Dropout(a Dropout)                       { o.observe("Dropout", a) }
func (o Observed) Bernoulli(a Bernoulli)                   { o.observe("Bernoulli", a) }
func (o Observed) MaskedFill(a MaskedFill)                 { o.observe("MaskedFill", a) }
func (o Observed) MaskedFillBackward(a MaskedFillBackward) { o.observe("MaskedFillBackward", a) }
func (o Observed) PrepareMask(m Mask)                      { o.observe("PrepareMask", m) }
func (o Observed) Attention(a AttentionForward)            { o.observe("Attention", a) }
func (o Observed) AttentionBackward(a AttentionBackward)   { o.observe("AttentionBackward", a) }
func (o Observed) CrossEntropy(a CrossEntropy)             { o.observe("CrossEntropy", a) }
func (o Observed) SquaredNorm(a SquaredNorm)               { o.observe("SquaredNorm", a) }
func (o Observed) AdamW(a AdamW)                           { o.observe("AdamW", a) }
