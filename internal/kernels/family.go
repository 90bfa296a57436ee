package kernels

// Family is a group of operations that do the same sort of work.
type Family int

// The families, in the order of reports.
const (
	FamilyMatMul      Family = iota // matrix products, with their bias and GELU
	FamilyAttention                 // forward and backward
	FamilyNorm                      // layer normalisation
	FamilyElementwise               // sums, scaling, GELU's gradient, dropout, gradients of biases
	FamilyEmbedding                 // rows gathered and scattered
	FamilyMasking                   // hidden tokens drawn and filled, masks prepared
	FamilyLoss                      // cross-entropy
	FamilyOptim                     // global norm and AdamW
	FamilyMemory                    // uploads, downloads, copies, zeroing
	Families          = iota        // how many there are
)

func (f Family) String() string {
	return [Families]string{
		"matmul", "attention", "norm", "elementwise", "embedding", "masking", "loss", "optim", "memory",
	}[f]
}
