package graph

import (
	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// Embed gathers rows of table (V, C) by ids (any shape): the result is ids' shape with C appended.
func (g *Graph) Embed(table, ids *Value) *Value { return g.embed(table, ids, nil) }

// AddEmbed is x plus the gathered rows: learned positions.
func (g *Graph) AddEmbed(x, table, ids *Value) *Value { return g.embed(table, ids, x) }

func (g *Graph) embed(table, ids, add *Value) *Value {
	shape := append(append(tensor.Shape{}, ids.Shape...), table.Shape.Cols())
	y := g.value(table.DType, shape...)
	g.record(&embed{table: table, ids: ids, add: add, y: y}, []*Value{table, ids, add}, []*Value{y})
	return y
}

type embed struct {
	table, ids, add, y *Value

	dy     *cell
	dtable target
	dadd   handOn
}

func (o *embed) forward(be kernels.Backend) {
	call := kernels.Embed{Out: o.y.buf(), Table: o.table.buf(), IDs: o.ids.buf(),
		N: o.ids.Shape.Elems(), V: o.table.Shape[0], C: o.table.Shape[1]}
	if o.add != nil {
		call.Add = o.add.buf()
	}
	be.Embed(call)
}

func (o *embed) differentiate(r *reverse) {
	if o.dy = r.of(o.y); o.dy == nil {
		return
	}
	r.keep(o.ids)
	o.dtable = r.into(o.table)
	o.dadd = r.pass(o.y, o.add)
}

func (o *embed) backward(be kernels.Backend) {
	if o.dy == nil {
		return
	}
	if o.dtable.wanted() {
		be.EmbedBackward(kernels.EmbedBackward{DTable: o.dtable.buf(), DOut: o.dy.buf, IDs: o.ids.buf(),
			N: o.ids.Shape.Elems(), V: o.table.Shape[0], C: o.table.Shape[1]})
	}
	o.dadd.run(be)
}
