package ref

import (
	"fmt"

	"dmtrain/internal/kernels"
)

// Backend is the reference implementation of kernels.Backend. It runs in the caller's goroutine and is not safe
// for concurrent use.
type Backend struct {
	used  int   // bytes allocated
	fault error // first since the last Sync
}

var _ kernels.Backend = (*Backend)(nil)

// New opens a reference backend.
func New() *Backend { return &Backend{} }

// Info implements kernels.Backend. A tile is one pair: nothing is skipped but what is hidden.
func (r *Backend) Info() kernels.Info {
	return kernels.Info{Name: "ref", Path: "float64", Threads: 1, TileQ: 1, TileS: 1, BFloat16: true}
}

// Close implements kernels.Backend.
func (r *Backend) Close() error { return nil }

// Sync implements kernels.Memory.
func (r *Backend) Sync() error {
	err := r.fault
	r.fault = nil
	return err
}

// indicesWithin reports whether all ids lie in lowest … n−1, and otherwise notes the fault of a kernel.
func (r *Backend) indicesWithin(ids []int32, lowest, n int, kernel string) bool {
	for i, id := range ids {
		if int(id) < lowest || int(id) >= n {
			if r.fault == nil {
				r.fault = fmt.Errorf("%s: index %d at %d is outside %d … %d", kernel, id, i, lowest, n-1)
			}
			return false
		}
	}
	return true
}
