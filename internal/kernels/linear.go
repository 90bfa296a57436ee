package kernels

// Linear is dense matrix algebra.
type Linear interface {
	// MatMul sets C = op(A)·op(B) + Bias + Add, and, when Gelu is set, Gelu = gelu(C).
	MatMul(MatMul)
	// BiasGrad adds to DBias the column sums of DY, in a fixed order of rows.
	BiasGrad(BiasGrad)
}

// MatMul is one product. op(A) is M×K, op(B) is K×N, C is M×N. Products are summed over k in
// float32 (bfloat16 operands are widened first).
type MatMul struct {
	C, A, B        Buffer
	M, N, K        int
	TransA, TransB bool // the buffer holds the transpose: A is K×M, B is N×K

	Bias Buffer // (N), optional: added to every row
	Add  Buffer // (M, N), optional: added; may be C itself
	Gelu Buffer // (M, N), optional: receives gelu(C), tanh form; C keeps the value before it
}

// BiasGrad sums a (Rows, Cols) gradient down to (Cols).
type BiasGrad struct {
	DBias, DY  Buffer
	Rows, Cols int
}
