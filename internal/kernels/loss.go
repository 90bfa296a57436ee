package kernels

// Loss is the softmax cross-entropy and what else one pass over the vocabulary yields.
type Loss interface {
	// CrossEntropy reads a row of logits once into its outputs; see the struct's fields.
	CrossEntropy(CrossEntropy)
}

// CrossEntropy is the loss of N tokens over V classes. All logarithms are natural. Every output but DLogits is
// optional.
type CrossEntropy struct {
	Logits  Buffer // (N, V+Pad)
	Targets Buffer // int32 (N); −1 bears no loss: its NLL is 0 and its row of DLogits 0
	N, V    int
	Pad     int // columns behind the V, which are no classes: they are not read, and 0 in DLogits

	NLL     Buffer // float32 (N): −ln p(target)
	Conf    Buffer // float32 (N): max p
	Entropy Buffer // float32 (N): −Σ p ln p
	Margin  Buffer // float32 (N): largest p minus second largest
	Argmax  Buffer // int32 (N): the first index of the largest logit

	DLogits Buffer // (N, V+Pad): (p − q)·Scale; may be Logits. nil: no gradient
	Scale   Buffer // float32 (1): one over the step's supervised tokens; with DLogits only

	// Smoothing ε takes a share of the target's probability and spreads it over all classes (Szegedy et al. 2016):
	// q = (1−ε)·onehot(target) + ε/V. It changes DLogits alone; NLL stays the target's.
	Smoothing float32
}
