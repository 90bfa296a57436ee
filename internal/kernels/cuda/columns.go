package cuda

import "dmtrain/internal/gpu"

// Sums down columns, in chunks of rows (columns.cuh).
const (
	columnChunk   = 256 // rows
	columnThreads = 256
	columnWidth   = 32 // columns to a block
)

// columnSums is room for the sums of every chunk, of several values a column.
type columnSums struct {
	b            *Backend
	partial      gpu.Ptr
	chunks       int
	cols, values int
}

func (b *Backend) columnSums(rows, cols, values int) columnSums {
	chunks := ceilDiv(rows, columnChunk)
	return columnSums{b, b.scratchFor(int64(4 * chunks * values * cols)), chunks, cols, values}
}

func (s columnSums) grid() gpu.Dim {
	return gpu.Dim{X: ceilDiv(s.cols, columnWidth), Y: s.chunks, Z: 1}
}

// addTo adds the sums of one of the values to dst.
func (s columnSums) addTo(dst gpu.Ptr, value int) {
	s.b.dev.Launch("column_add", along(ceilDiv(s.cols, columnThreads)), columnThreads, 0,
		address(dst), address(s.partial+gpu.Ptr(4*value*s.cols)), integer(s.chunks), integer(s.cols),
		integer(s.values*s.cols))
}
