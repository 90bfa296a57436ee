package gpu

// Product is C = op(A)·op(B) + Bias + Add for dense row-major matrices, op(A) being M×K and op(B) K×N, summed in float32.
type Product struct {
	A, B, C        Ptr
	M, N, K        int
	TransA, TransB bool // the matrix lies in memory as its transpose
	BF16           bool // A and B are bfloat16, else float32
	BF16C          bool // C is bfloat16, else float32
	Add            Ptr  // of C's type (M, N), may be C; 0 for none
	Bias           Ptr  // of C's type (N), added to every row; 0 for none
}

// BLAS is a library of matrix products on a device.
type BLAS struct {
	d   *Device
	lib blas
}

// BLAS opens the device's library: cuBLASLt, looked for at run time. An error means only that the project's own kernels
// must do.
func (d *Device) BLAS() (*BLAS, error) {
	lib, err := d.drv.blas()
	if err != nil {
		return nil, err
	}
	return &BLAS{d, lib}, nil
}

// Name says which library it is and where it was found.
func (b *BLAS) Name() string { return b.lib.name() }

// MatMul computes a product.
func (b *BLAS) MatMul(p Product) {
	if b.d.err != nil {
		return
	}
	if t := b.d.trace; t != nil {
		b.d.check(t.launch(b.d.drv, "cublaslt_matmul", func() error { return b.lib.matmul(p) }))
		return
	}
	b.d.check(b.lib.matmul(p))
}

// Close gives the library back.
func (b *BLAS) Close() { b.lib.close() }
