package cpu

import "dmtrain/internal/kernels"

// A product is cut into blocks of C, each computed by one worker.
const (
	blockM = 64
	blockN = 128
)

// MatMul sets C = op(A)·op(B) + Bias + Add and Gelu = gelu(C).
func (b *Backend) MatMul(a kernels.MatMul) {
	t := product{
		prim: &b.prim, m: a.M, n: a.N, k: a.K, transA: a.TransA, transB: a.TransB,
		c: f32(a.C, a.M*a.N), a: f32(a.A, a.M*a.K), b: f32(a.B, a.K*a.N),
		bias: optF32(a.Bias, a.N), add: optF32(a.Add, a.M*a.N), gelu: optF32(a.Gelu, a.M*a.N),
	}
	if b.prim.lanes > 0 {
		b.multiply(t)
		return
	}
	launch(b, &b.tasks.matMul, matMulTask{t}, pieces(a.M, blockM)*pieces(a.N, blockN))
}

// matMulTask is a product by gonum's BLAS.
type matMulTask struct{ product }

func (t *matMulTask) run(_ *worker, item int) {
	columns := pieces(t.n, blockN)
	i0, i1 := span(item/columns, blockM, t.m)
	j0, j1 := span(item%columns, blockN, t.n)
	for i := i0; i < i1; i++ {
		start(t.c[i*t.n+j0:i*t.n+j1], t.bias, t.add, j0, i*t.n+j0)
	}
	a, b := t.a, t.b
	lda, ldb := t.k, t.n
	if t.transA {
		lda = t.m
		a = a[min(i0, len(a)):]
	} else {
		a = a[i0*lda:]
	}
	if t.transB {
		ldb = t.k
		b = b[j0*ldb:]
	} else {
		b = b[min(j0, len(b)):]
	}
	gonumGemm(t.c[i0*t.n+j0:], t.n, a, lda, t.transA, b, ldb, t.transB, i1-i0, j1-j0, t.k)
	if t.gelu != nil {
		for i := i0; i < i1; i++ {
			t.prim.gelu(t.gelu[i*t.n+j0:i*t.n+j1], t.c[i*t.n+j0:i*t.n+j1])
		}
	}
}

// start sets a piece of a row to what the product is added to.
func start(c, bias, add []float32, biasAt, addAt int) {
	switch {
	case add != nil && bias != nil:
		add, bias = add[addAt:addAt+len(c)], bias[biasAt:biasAt+len(c)]
		for j := range c {
			c[j] = add[j] + bias[j]
		}
	case add != nil:
		copy(c, add[addAt:addAt+len(c)])
	case bias != nil:
		copy(c, bias[biasAt:biasAt+len(c)])
	default:
		clear(c)
	}
}

// BiasGrad adds to DBias the column sums of DY.
func (b *Backend) BiasGrad(a kernels.BiasGrad) {
	t := biasGradTask{prim: &b.prim, sum: f32(a.DBias, a.Cols), x: f32(a.DY, a.Rows*a.Cols), rows: a.Rows, cols: a.Cols}
	launch(b, &b.tasks.biasGrad, t, pieces(a.Cols, stripe))
}

// stripe is how many columns one worker sums; rowBlock how many rows go into one partial sum, which keeps the
// rounding error near the root of the number of rows.
const (
	stripe   = 64
	rowBlock = 128
)

type biasGradTask struct {
	prim       *primitives
	sum, x     []float32
	rows, cols int
}

func (t *biasGradTask) run(w *worker, item int) {
	j0, j1 := span(item, stripe, t.cols)
	partial := w.scratch(stripe)[:j1-j0]
	for block := range pieces(t.rows, rowBlock) {
		i0, i1 := span(block, rowBlock, t.rows)
		t.prim.columnSums(partial, t.x[i0*t.cols+j0:], t.cols, i1-i0)
		t.prim.add(t.sum[j0:j1], t.sum[j0:j1], partial)
	}
}

// sumPartialsTask adds rows of partial sums to dst, in ascending order.
type sumPartialsTask struct {
	prim         *primitives
	dst, partial []float32 // partial is rows × stride
	rows, stride int
}

func (t *sumPartialsTask) run(_ *worker, item int) {
	j0, j1 := span(item, stripe, len(t.dst))
	for i := range t.rows {
		t.prim.add(t.dst[j0:j1], t.dst[j0:j1], t.partial[i*t.stride+j0:i*t.stride+j1])
	}
}
