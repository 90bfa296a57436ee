package kernels

// Norm is layer normalisation (Ba, Kiros, Hinton 2016).
type Norm interface {
	// LayerNorm sets Y = (X − mean)·rstd·Weight + Bias row by row, rstd = 1/√(variance + Eps) with the biased variance,
	// and keeps Mean and RStd for the way back.
	LayerNorm(LayerNorm)
	// LayerNormBackward sets DX to the gradient of X plus Add, and accumulates DWeight and DBias in a
	// fixed order of rows.
	LayerNormBackward(LayerNormBackward)
}

// LayerNorm normalises Rows rows of width Cols.
type LayerNorm struct {
	Y, X         Buffer // (Rows, Cols)
	Weight, Bias Buffer // (Cols)
	Mean, RStd   Buffer // float32 (Rows)
	Rows, Cols   int
	Eps          float32
}

// LayerNormBackward is LayerNorm's gradient.
type LayerNormBackward struct {
	DX             Buffer // (Rows, Cols)
	DWeight, DBias Buffer // (Cols)
	DY, X          Buffer // (Rows, Cols)
	Weight         Buffer // (Cols)
	Mean, RStd     Buffer // float32 (Rows)
	Add            Buffer // (Rows, Cols), optional: added to DX; may be DX itself
	Rows, Cols     int
}
