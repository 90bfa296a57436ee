package kernels

// Optim is what happens to parameters once gradients are there.
type Optim interface {
	// SquaredNorm sets Out to Σ X², summed in a fixed order in at least float32 with pairwise or wider partial sums,
	// so that its relative error stays below 1e-6 for 10⁹ elements. Any NaN or Inf in X makes it non-finite.
	SquaredNorm(SquaredNorm)
	// AdamW takes one step of Adam with decoupled weight decay (Loshchilov and Hutter 2019), as PyTorch computes it:
	//
	//	g = GradScale·Grad;  P −= LR·Decay·P;  M = β₁M + (1−β₁)g;  V = β₂V + (1−β₂)g²
	//	P −= LR/(1−β₁ᵏ) · M / (√(V/(1−β₂ᵏ)) + Eps)
	AdamW(AdamW)
}

// SquaredNorm is the sum of squares of N elements.
type SquaredNorm struct {
	Out Buffer // float32 (1)
	X   Buffer
	N   int
}

// AdamW updates N parameters.
type AdamW struct {
	Param, Grad, M, V Buffer // float32 (N)
	Low               Buffer // bfloat16 (N), optional: receives the rounded parameters
	N                 int

	LR, Beta1, Beta2, Eps, Decay float32
	GradScale                    float32 // clipping factor
	Step                         int     // k, from 1
}
