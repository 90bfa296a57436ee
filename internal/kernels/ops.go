package kernels

// Op is a row of the table of operations.
type Op struct {
	Name   string // of the method
	Family Family
	// Flops is how many floating-point operations a call takes, a multiply-add counting as two; pairs counts the
	// pairs of query and key that a mask shows. It is nil where moving memory is the work.
	Flops func(args any, pairs func(Mask) int) float64
	// Call makes the call on a backend; args is the operation's struct.
	Call func(k Backend, args any)
}

// Ops is the table of operations: every method of the contract that takes a struct of arguments and computes. Who must
// treat all operations alike ranges over it.
func Ops() []Op {
	return []Op{
		counted("MatMul", FamilyMatMul, Backend.MatMul, matMulFlops),
		op("BiasGrad", FamilyElementwise, Backend.BiasGrad),
		op("Embed", FamilyEmbedding, Backend.Embed),
		op("EmbedBackward", FamilyEmbedding, Backend.EmbedBackward),
		op("PutRows", FamilyEmbedding, Backend.PutRows),
		op("GetRows", FamilyEmbedding, Backend.GetRows),
		op("LayerNorm", FamilyNorm, Backend.LayerNorm),
		op("LayerNormBackward", FamilyNorm, Backend.LayerNormBackward),
		op("Add", FamilyElementwise, Backend.Add),
		op("Scale", FamilyElementwise, Backend.Scale),
		op("GeluBackward", FamilyElementwise, Backend.GeluBackward),
		op("Dropout", FamilyElementwise, Backend.Dropout),
		op("Bernoulli", FamilyMasking, Backend.Bernoulli),
		op("MaskedFill", FamilyMasking, Backend.MaskedFill),
		op("MaskedFillBackward", FamilyMasking, Backend.MaskedFillBackward),
		op("PrepareMask", FamilyMasking, Backend.PrepareMask),
		counted("Attention", FamilyAttention, Backend.Attention, forwardFlops),
		counted("AttentionBackward", FamilyAttention, Backend.AttentionBackward, backwardFlops),
		op("CrossEntropy", FamilyLoss, Backend.CrossEntropy),
		op("SquaredNorm", FamilyOptim, Backend.SquaredNorm),
		op("AdamW", FamilyOptim, Backend.AdamW),
	}
}

func op[Args any](name string, f Family, call func(Backend, Args)) Op {
	return Op{Name: name, Family: f, Call: func(k Backend, args any) { call(k, args.(Args)) }}
}

// counted is op for an operation whose work is arithmetic.
func counted[Args any](name string, f Family, call func(Backend, Args), flops func(Args, func(Mask) int) float64) Op {
	o := op(name, f, call)
	o.Flops = func(args any, pairs func(Mask) int) float64 { return flops(args.(Args), pairs) }
	return o
}

func matMulFlops(a MatMul, _ func(Mask) int) float64 {
	return 2 * float64(a.M) * float64(a.N) * float64(a.K)
}

func forwardFlops(a AttentionForward, pairs func(Mask) int) float64 { return a.Flops(pairs(a.Mask)) }

func backwardFlops(a AttentionBackward, pairs func(Mask) int) float64 { return a.Flops(pairs(a.Mask)) }
