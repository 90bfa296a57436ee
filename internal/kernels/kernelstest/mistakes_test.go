package kernelstest_test

import (
	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/ref"
)

// mistakes are such as backends have really made, or nearly.
var mistakes = []planted{
	{"allocates", "Allocations", func(r *ref.Backend) kernels.Backend { return r }},
	{"MatMul forgets Bias", "MatMul/float32/35x", func(r *ref.Backend) kernels.Backend { return noBias{r} }},
	{"MatMul forgets an Add that is C", "MatMul/float32/35x", func(r *ref.Backend) kernels.Backend { return noAlias{r} }},
	{"MatMul takes GELU for ReLU", "MatMul/float32/35x", func(r *ref.Backend) kernels.Backend { return relu{r} }},
	{"MatMul drops the last of K", "MatMul/float32/65x", func(r *ref.Backend) kernels.Backend { return shortK{r} }},
	{"MatMul leaves its last element", "MatMul/float32/65x", func(r *ref.Backend) kernels.Backend { return lastUnwritten{r} }},
	{"MatMul writes to A", "MatMul/float32/65x", func(r *ref.Backend) kernels.Backend { return writesInput{r} }},
	{"MatMul writes past C", "MatMul/float32/65x", func(r *ref.Backend) kernels.Backend { return &overruns{Backend: r} }},
	{"MatMul is not deterministic", "MatMul/float32", func(r *ref.Backend) kernels.Backend { return &wavers{Backend: r} }},
	{"MatMul of one row takes another way", "Cuts/float32/MatMul", func(r *ref.Backend) kernels.Backend { return batchVariant{r} }},
	{"MatMul checks no lengths", "Misuse/MatMul", func(r *ref.Backend) kernels.Backend { return trusting{r} }},
	{"BiasGrad assigns", "BiasGrad", func(r *ref.Backend) kernels.Backend { return assigning{r} }},
	{"EmbedBackward lets the last of equal ids win", "Embedding/float32/EmbedBackward", func(r *ref.Backend) kernels.Backend { return lastWins{r} }},
	{"PutRows touches the gap", "Rows/float32/PutRows", func(r *ref.Backend) kernels.Backend { return gapToucher{r} }},
	{"LayerNorm forgets Eps", "LayerNorm/float32/7x63", func(r *ref.Backend) kernels.Backend { return noEps{r} }},
	{"LayerNorm squares before it subtracts", "LayerNorm/float32/7x63", func(r *ref.Backend) kernels.Backend { return onePass{r} }},
	{"LayerNormBackward forgets Add", "LayerNorm/float32/7x63", func(r *ref.Backend) kernels.Backend { return noResidual{r} }},
	{"Dropout draws by matrix row", "Dropout", func(r *ref.Backend) kernels.Backend { return byMatrixRow{r} }},
	{"Dropout does not keep the mean", "Dropout", func(r *ref.Backend) kernels.Backend { return unscaled{r} }},
	{"Bernoulli forgets the first row", "Bernoulli", func(r *ref.Backend) kernels.Backend { return firstForgotten{r} }},
	{"MaskedFill knows only 1 for hidden", "MaskedFill/float32", func(r *ref.Backend) kernels.Backend { return onlyOne{r} }},
	{"Attention forgets the second interval", "Attention/float32/B=2,T=65", func(r *ref.Backend) kernels.Backend { return oneInterval{r} }},
	{"Attention averages where nothing is visible", "Attention/float32/B=2,T=65", func(r *ref.Backend) kernels.Backend { return averages{r} }},
	{"Attention lets hidden keys through a little", "HiddenKeys/float32", func(r *ref.Backend) kernels.Backend { return leaks{r} }},
	{"Attention drops no edges", "Attention/float32/B=2,T=65", func(r *ref.Backend) kernels.Backend { return noDrop{r} }},
	{"Attention's gradient drops no edges", "Attention/float32/B=2,T=65", func(r *ref.Backend) kernels.Backend { return noDropBack{r} }},
	{"CrossEntropy takes the last of equal logits", "CrossEntropy/float32/7x7", func(r *ref.Backend) kernels.Backend { return lastArgmax{r} }},
	{"CrossEntropy gives −1 a loss", "CrossEntropy/float32/7x7", func(r *ref.Backend) kernels.Backend { return alwaysLoss{r} }},
	{"CrossEntropy forgets Scale", "CrossEntropy/float32/7x7", func(r *ref.Backend) kernels.Backend { return unitScale{r} }},
	{"CrossEntropy takes columns behind the classes for classes", "CrossEntropy/float32/7x7", func(r *ref.Backend) kernels.Backend { return overreads{r} }},
	{"CrossEntropy leaves columns behind the classes", "CrossEntropy/float32/7x7", func(r *ref.Backend) kernels.Backend { return leavesPad{r} }},
	{"SquaredNorm sums in one float32", "SquaredNorm", func(r *ref.Backend) kernels.Backend { return drifts{r} }},
	{"SquaredNorm loses a NaN", "SquaredNorm", func(r *ref.Backend) kernels.Backend { return losesNaN{r} }},
	{"AdamW corrects no bias", "AdamW/PyTorch", func(r *ref.Backend) kernels.Backend { return biased{r} }},
	{"AdamW's decay is coupled", "AdamW/PyTorch", func(r *ref.Backend) kernels.Backend { return coupled{r} }},
	{"AdamW truncates its bfloat16 copy", "AdamW/n=65", func(r *ref.Backend) kernels.Backend { return truncates{r} }},
	{"Sync forgets faults", "Faults", func(r *ref.Backend) kernels.Backend { return forgetful{r} }},
	{"Upload keeps its source", "Memory", func(r *ref.Backend) kernels.Backend { return &keepsSource{Backend: r} }},
}

// edit changes a buffer's values on the host.
func edit(k kernels.Backend, b kernels.Buffer, change func(x []float32)) {
	x := read(k, b)
	change(x)
	k.Upload(b, x)
}

func read(k kernels.Backend, b kernels.Buffer) []float32 {
	x := make([]float32, b.Len())
	if err := k.Download(x, b); err != nil {
		panic(err)
	}
	return x
}
