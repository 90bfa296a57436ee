package kernels

import "dmtrain/internal/rng"

// Elementwise operations work on N elements each.
type Elementwise interface {
	// Add sets Y = A + B; Y may be either.
	Add(Add)
	// Scale sets Y = Factor·X; Y may be X.
	Scale(Scale)
	// GeluBackward sets DX = DY·gelu'(X), where X is the value before the GELU and gelu(x) = ½x(1 + tanh(√(2/π)(x +
	// 0.044715x³))). DX may be DY.
	GeluBackward(GeluBackward)
	// Dropout sets Y = X/(1−Rate) where Unit(draw) ≥ Rate, and 0 elsewhere: the draw's line is row·Lines+t and its
	// column the channel, for row n/Lines and t = n mod Lines of matrix row n. Its own gradient is the same call on
	// the gradient. Y may be X.
	Dropout(Dropout)
}

// Add is an elementwise sum.
type Add struct {
	Y, A, B Buffer
	N       int
}

// Scale is a multiplication by a constant.
type Scale struct {
	Y, X   Buffer
	N      int
	Factor float32
}

// GeluBackward is the gradient of the tanh-form GELU.
type GeluBackward struct {
	DX, DY, X Buffer
	N         int
}

// Dropout zeroes elements of a (Rows, Cols) matrix at random.
type Dropout struct {
	Y, X       Buffer
	Draw       Draw
	Purpose    rng.Purpose
	Rate       float32
	Rows, Cols int
	Lines      int // matrix rows a batch row has: T
}
