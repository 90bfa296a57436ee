package cpu

// transposeFunc is primitives' transpose.
type transposeFunc func(dst []float32, ldd int, src []float32, lds, rows, cols int, scale float32)

// transposeBlocks makes a transpose of one that knows whole 8 × 8 blocks only: the rests are left to the plain loop.
func transposeBlocks(blocks transposeFunc) transposeFunc {
	const block = 8
	return func(dst []float32, ldd int, src []float32, lds, rows, cols int, scale float32) {
		r, c := rows/block*block, cols/block*block
		if r > 0 && c > 0 {
			blocks(dst, ldd, src, lds, r, c, scale)
		}
		if c < cols {
			transpose(dst[c*ldd:], ldd, src[c:], lds, r, cols-c, scale)
		}
		if r < rows {
			transpose(dst[r:], ldd, src[r*lds:], lds, rows-r, cols, scale)
		}
	}
}
