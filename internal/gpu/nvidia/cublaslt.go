//go:build cuda && !cudaemu

package nvidia

/*
#include <stdlib.h>
#include "cublaslt.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"dmtrain/internal/gpu/driver"
)

// blasWorkspace is device memory that algorithms may use.
const blasWorkspace = 32 << 20

// cublasLt is NVIDIA's library. How products of a shape are computed is chosen the first time, by its own
// heuristic, among algorithms that give the same bits every time; another shape, so another number of rows, may be
// summed in another order.
type cublasLt struct {
	d         *device
	handle    unsafe.Pointer
	found     string
	workspace driver.Ptr
	plans     map[C.dm_shape]*C.dm_plan
}

func (d *device) OpenBLAS() (driver.BLAS, error) {
	const n = 512
	text := (*[2][n]C.char)(C.calloc(2, n))
	defer C.free(unsafe.Pointer(text))
	if C.dm_lt_open(&text[0][0], &text[1][0], n) != 0 {
		return nil, fmt.Errorf("no cuBLASLt: %s", C.GoString(&text[1][0]))
	}
	l := &cublasLt{d: d, found: C.GoString(&text[0][0]), plans: map[C.dm_shape]*C.dm_plan{}}
	release, err := d.bind()
	if err != nil {
		return nil, err
	}
	defer release()
	var status C.int
	if l.handle = C.dm_lt_create(&status); l.handle == nil {
		return nil, fmt.Errorf("%s: cublasLtCreate fails with status %d", l.found, status)
	}
	if l.workspace, err = d.Alloc(blasWorkspace); err != nil {
		return nil, errors.Join(err, l.destroy())
	}
	return l, nil
}

func (l *cublasLt) Name() string { return "cuBLASLt (" + l.found + ")" }

func (l *cublasLt) MatMul(m driver.MatMul) error {
	release, err := l.d.bind()
	if err != nil {
		return err
	}
	defer release()
	plan, err := l.plan(shapeOf(m), m.Bias)
	if err != nil {
		return fmt.Errorf("%s: %d×%d×%d: %w", l.found, m.M, m.N, m.K, err)
	}
	var failed *C.char
	status := C.dm_lt_matmul(l.handle, plan, C.uint64_t(m.A), C.uint64_t(m.B), C.uint64_t(m.C), C.uint64_t(m.Add),
		C.uint64_t(m.Bias),
		C.uint64_t(l.workspace), blasWorkspace, unsafe.Pointer(l.d.cStream()), &failed)
	if status != 0 {
		return fmt.Errorf("%s: %d×%d×%d: %s: status %d", l.found, m.M, m.N, m.K, culprit(failed), status)
	}
	l.d.launched("cublaslt_matmul")
	return nil
}

// plan is how products of a shape are computed.
func (l *cublasLt) plan(s C.dm_shape, bias driver.Ptr) (*C.dm_plan, error) {
	if p := l.plans[s]; p != nil {
		return p, nil
	}
	var failed *C.char
	var status C.int
	p := C.dm_lt_plan(l.handle, &s, C.uint64_t(bias), blasWorkspace, &failed, &status)
	if p == nil {
		return nil, fmt.Errorf("%s: status %d", culprit(failed), status)
	}
	l.plans[s] = p
	return p, nil
}

// culprit is the library's function that a call of the shim was to: "ltMatmul(...)" is cublasLtMatmul.
func culprit(call *C.char) string {
	name, _, _ := strings.Cut(C.GoString(call), "(")
	if inner, ok := strings.CutPrefix(name, "lt"); ok {
		return "cublasLt" + inner
	}
	return name
}

// shapeOf is all that the choice of an algorithm depends on.
func shapeOf(m driver.MatMul) C.dm_shape {
	lowest := uint64(m.A|m.B|m.C|m.Add|m.Bias) | 256
	return C.dm_shape{
		m:         C.int(m.M),
		n:         C.int(m.N),
		k:         C.int(m.K),
		trans_a:   truth(m.TransA),
		trans_b:   truth(m.TransB),
		bf16:      truth(m.BF16),
		bf16_c:    truth(m.BF16C),
		bias:      truth(m.Bias != 0),
		add:       truth(m.Add != 0),
		alignment: C.int(lowest & -lowest),
	}
}

func truth(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

func (l *cublasLt) Close() {
	for _, p := range l.plans {
		C.dm_lt_free(p)
	}
	if l.destroy() == nil {
		_ = l.d.Free(l.workspace) // the context, which goes next, would take it along
	}
}

func (l *cublasLt) destroy() error {
	release, err := l.d.bind()
	if err != nil {
		return err
	}
	defer release()
	C.dm_lt_destroy(l.handle)
	return nil
}
