//go:build cuda && !cudaemu

package gpu

func (r *real) blas() (blas, error) { return nil, errNoBLAS }
