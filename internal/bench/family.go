package bench

// Family is a group of kernels that do the same sort of work.
type Family int

// The families, in the order of reports.
const (
	MatMul      Family = iota // matrix products, with their bias and GELU
	Attention                 // forward and backward
	Norm                      // layer normalisation
	Elementwise               // sums, scaling, GELU's gradient, dropout, gradients of biases
	Embedding                 // rows gathered and scattered
	Masking                   // hidden tokens drawn and filled, masks prepared
	Loss                      // cross-entropy
	Optim                     // global norm and AdamW
	Memory                    // uploads, downloads, copies, zeroing
	families    = iota
)

// between is what a step does between calls: planning and certifying masks, and everything else on the host.
const between = "between"

func (f Family) String() string {
	return [families]string{"matmul", "attention", "norm", "elementwise", "embedding", "masking", "loss", "optim", "memory"}[f]
}
