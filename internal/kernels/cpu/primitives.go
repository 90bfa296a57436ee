package cpu

// primitives are the inner loops of one instruction set. A tile is tileS keys × tileQ queries, rows tileQ apart;
// functions on tiles work on the first queries columns, and may work on more of them.
type primitives struct {
	path string // as in kernels.Info

	// lanes is the number of float32 in a vector, which may be a pair of registers; 0 without vectors, and then
	// there are no strips either.
	lanes int
	strip [maxStrip + 1]stripFunc // by width
	// turnFrom is how many elements a product has, at least, that has a transposed A turned before.
	turnFrom int
	// addRows adds Σ a[i]·b[i·ldb+j], i < k in ascending order, to every c[j], and dotRows Σ a[i]·b[j·ldb+i], for a
	// multiple of dotUnit of c's and of dotColumns steps: one row of A, by the same chains as strip. With vectors
	// only.
	addRows, dotRows func(c, a, b []float32, ldb, k int)
	// transpose sets dst[c·ldd+r] = scale·src[r·lds+c].
	transpose transposeFunc

	add          func(y, a, b []float32)              // y = a + b
	keep         func(y, a, b []float32)              // y = a·b, and 0 where b is 0, whatever a is
	scale        func(y, x []float32, factor float32) // y = factor·x
	gelu         func(y, x []float32)
	geluBackward func(dx, dy, x []float32) // dx = dy·gelu'(x)

	// layerNorm normalises one row; layerNormBackward adds to dWeight and dBias, and add may be nil.
	layerNorm         func(y, x, weight, bias []float32, eps float32) (mean, rstd float32)
	layerNormBackward func(dx, dWeight, dBias, dy, x, weight, add []float32, mean, rstd float32)

	// softmaxStep takes a tile of scores into a running softmax: it raises max, sets shrink = exp(old max − max),
	// scores = exp(scores − max) and sum = sum·shrink + Σ scores. A column of −∞ changes nothing.
	softmaxStep func(scores []float32, keys, queries int, max, sum, shrink []float32)
	// hideScores sets to −∞ the score of each key j and query i whose [low[j], high[j]] and [from[i], to[i]] do not
	// meet.
	hideScores func(scores []float32, queries int, low, high, from, to []int32)
	// scoreGradients turns scores p into exp(p − lse) and their gradients ds into p·(ds − delta)·scale; both are 0
	// where the score is −∞, whatever ds is.
	scoreGradients func(p, ds []float32, keys, queries int, lse, delta []float32, scale float32)

	dot        func(a, b []float32) float32
	sumSquares func(x []float32) float64
	// columnSums sets sum to the sums of the columns of x, rows in ascending order.
	columnSums func(sum, x []float32, stride, rows int)

	// topTwo leaves each lane's largest and second largest element, −∞ where there is none.
	topTwo func(x, top, second []float32)
	// expSum sets e = exp(x − max) and returns Σ e and Σ e·(max − x).
	expSum func(e, x []float32, max float32) (sum, spread float32)

	adamW func(p, grad, m, v []float32, gradScale, beta1, rest1, beta2, rest2, keep, rate, root, eps float32)

	// dropFactors sets f[c] to 0 where unit(draw of column c) < rate and to keep elsewhere. The length of f is a
	// multiple of dropBlock. edgeFactors does so for 4·quads rows of a tile, a query being a line and row j column
	// 4·quad + j.
	dropFactors func(f []float32, rate, keep float32, seedLow, seedHigh, purpose, step, line uint32)
	edgeFactors func(f []float32, quads, queries int, rate, keep float32, quad, seedLow, seedHigh, purpose, step,
		line uint32)
}

const (
	dropBlock           = 64
	dotUnit, dotColumns = 8, 16
)

// generic is plain Go, with gonum's BLAS for products.
func generic() primitives {
	return primitives{
		path:              "generic",
		transpose:         transpose,
		add:               add,
		keep:              keep,
		scale:             scale,
		gelu:              gelu,
		geluBackward:      geluBackward,
		layerNorm:         layerNormRow,
		layerNormBackward: layerNormBackwardRow,
		softmaxStep:       softmaxStep,
		hideScores:        hideScores,
		scoreGradients:    scoreGradients,
		dot:               dot,
		sumSquares:        sumSquares,
		columnSums:        columnSums,
		topTwo:            topTwo,
		expSum:            expSum,
		adamW:             adamW,
		dropFactors:       dropFactors,
		edgeFactors:       edgeFactors,
	}
}
