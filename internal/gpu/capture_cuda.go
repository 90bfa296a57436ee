//go:build cuda && !cudaemu

package gpu

// #include <cuda.h>
import "C"

import (
	"errors"
	"fmt"
	"slices"
	"unsafe"
)

// captured is a graph of work, ready to be launched.
type captured struct {
	exec    C.CUgraphExec
	kernels []string // that it launches
}

// cStream is the stream for calls that gorgonia.org/cu does not wrap; cu.Stream holds a CUstream and nothing else.
func (r *real) cStream() C.CUstream { return *(*C.CUstream)(unsafe.Pointer(&r.stream)) }

func (r *real) beginCapture() error {
	release, err := r.bind()
	if err != nil {
		return err
	}
	defer release()
	if r.stepwise {
		return errors.New("DMTRAIN_GPU_SYNC asks for a synchronisation after every launch")
	}
	if code := C.cuStreamBeginCapture(r.cStream(), C.CU_STREAM_CAPTURE_MODE_RELAXED); code != C.CUDA_SUCCESS {
		return errors.New(reason(code))
	}
	r.capturing = true
	return nil
}

func (r *real) endCapture() (graph, error) {
	release, err := r.bind()
	if err != nil {
		return 0, err
	}
	defer release()
	r.capturing = false
	names := slices.Clone(r.since)
	r.since = r.since[:0]
	var recorded C.CUgraph
	if code := C.cuStreamEndCapture(r.cStream(), &recorded); code != C.CUDA_SUCCESS {
		return 0, errors.New(reason(code))
	}
	defer C.cuGraphDestroy(recorded)
	g := captured{kernels: names}
	if code := C.cuGraphInstantiateWithFlags(&g.exec, recorded, 0); code != C.CUDA_SUCCESS {
		return 0, errors.New(reason(code))
	}
	r.graphs = append(r.graphs, g)
	return graph(len(r.graphs) - 1), nil
}

func (r *real) replay(g graph) error {
	release, err := r.bind()
	if err != nil {
		return err
	}
	defer release()
	if code := C.cuGraphLaunch(r.graphs[g].exec, r.cStream()); code != C.CUDA_SUCCESS {
		return fmt.Errorf("graph: %s", reason(code))
	}
	r.launched(r.graphs[g].kernels...)
	return nil
}

func (r *real) freeGraph(g graph) {
	release, err := r.bind()
	if err != nil {
		return // the context is gone, and the graph with it
	}
	defer release()
	C.cuGraphExecDestroy(r.graphs[g].exec)
	r.graphs[g] = captured{}
}
