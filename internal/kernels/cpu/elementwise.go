package cpu

import (
	"dmtrain/internal/kernels"
	"dmtrain/internal/rng"
)

// chunk is how many elements an item of an elementwise operation has.
const chunk = 8192

// rowsPerItem is about a chunk of rows.
func rowsPerItem(cols int) int { return max(1, chunk/max(1, cols)) }

// Add sets Y = A + B.
func (b *Backend) Add(a kernels.Add) {
	t := addTask{prim: &b.prim, y: f32(a.Y, a.N), a: f32(a.A, a.N), b: f32(a.B, a.N)}
	launch(b, &b.tasks.add, t, pieces(a.N, chunk))
}

type addTask struct {
	prim    *primitives
	y, a, b []float32
}

func (t *addTask) run(_ *worker, item int) {
	i0, i1 := span(item, chunk, len(t.y))
	t.prim.add(t.y[i0:i1], t.a[i0:i1], t.b[i0:i1])
}

// Scale sets Y = Factor·X.
func (b *Backend) Scale(a kernels.Scale) {
	t := scaleTask{prim: &b.prim, y: f32(a.Y, a.N), x: f32(a.X, a.N), factor: a.Factor}
	launch(b, &b.tasks.scale, t, pieces(a.N, chunk))
}

type scaleTask struct {
	prim   *primitives
	y, x   []float32
	factor float32
}

func (t *scaleTask) run(_ *worker, item int) {
	i0, i1 := span(item, chunk, len(t.y))
	t.prim.scale(t.y[i0:i1], t.x[i0:i1], t.factor)
}

// GeluBackward sets DX = DY·gelu'(X).
func (b *Backend) GeluBackward(a kernels.GeluBackward) {
	t := geluBackwardTask{prim: &b.prim, dx: f32(a.DX, a.N), dy: f32(a.DY, a.N), x: f32(a.X, a.N)}
	launch(b, &b.tasks.geluBackward, t, pieces(a.N, chunk))
}

type geluBackwardTask struct {
	prim      *primitives
	dx, dy, x []float32
}

func (t *geluBackwardTask) run(_ *worker, item int) {
	i0, i1 := span(item, chunk, len(t.x))
	t.prim.geluBackward(t.dx[i0:i1], t.dy[i0:i1], t.x[i0:i1])
}

// Dropout zeroes elements at random and scales the others up.
func (b *Backend) Dropout(a kernels.Dropout) {
	n := a.Rows * a.Cols
	t := dropoutTask{
		prim: &b.prim, y: f32(a.Y, n), x: f32(a.X, n), draw: readDraw(a.Draw), purpose: a.Purpose,
		rate: a.Rate, rows: a.Rows, cols: a.Cols, lines: a.Lines,
	}
	launch(b, &b.tasks.dropout, t, pieces(a.Rows, rowsPerItem(a.Cols)))
}

type dropoutTask struct {
	prim              *primitives
	y, x              []float32
	draw              draw
	purpose           rng.Purpose
	rate              float32
	rows, cols, lines int
}

func (t *dropoutTask) run(w *worker, item int) {
	i0, i1 := span(item, rowsPerItem(t.cols), t.rows)
	factors := w.scratch(pieces(t.cols, dropBlock) * dropBlock)
	low, high := t.draw.seeds()
	for i := i0; i < i1; i++ {
		line := t.draw.first*uint32(t.lines) + uint32(i)
		t.prim.dropFactors(factors, t.rate, 1/(1-t.rate), low, high, uint32(t.purpose), t.draw.step, line)
		from, to := i*t.cols, (i+1)*t.cols
		t.prim.keep(t.y[from:to], t.x[from:to], factors[:t.cols])
	}
}
