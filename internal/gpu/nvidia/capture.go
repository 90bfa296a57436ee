//go:build cuda && !cudaemu

package nvidia

// #include <cuda.h>
import "C"

import (
	"errors"
	"fmt"
	"slices"
	"unsafe"

	"dmtrain/internal/gpu/driver"
)

// captured is a graph of work, ready to be launched.
type captured struct {
	exec    C.CUgraphExec
	kernels []string // that it launches
}

// cStream is the stream for calls that gorgonia.org/cu does not wrap; cu.Stream holds a CUstream and nothing else.
func (d *device) cStream() C.CUstream { return *(*C.CUstream)(unsafe.Pointer(&d.stream)) }

func (d *device) BeginCapture() error {
	release, err := d.bind()
	if err != nil {
		return err
	}
	defer release()
	if d.stepwise {
		return errors.New("DMTRAIN_GPU_SYNC asks for a synchronisation after every launch")
	}
	if code := C.cuStreamBeginCapture(d.cStream(), C.CU_STREAM_CAPTURE_MODE_RELAXED); code != C.CUDA_SUCCESS {
		return errors.New(reason(code))
	}
	d.capturing = true
	return nil
}

func (d *device) EndCapture() (driver.Graph, error) {
	release, err := d.bind()
	if err != nil {
		return 0, err
	}
	defer release()
	d.capturing = false
	names := slices.Clone(d.since)
	d.since = d.since[:0]
	var recorded C.CUgraph
	if code := C.cuStreamEndCapture(d.cStream(), &recorded); code != C.CUDA_SUCCESS {
		return 0, errors.New(reason(code))
	}
	defer C.cuGraphDestroy(recorded)
	g := captured{kernels: names}
	if code := C.cuGraphInstantiateWithFlags(&g.exec, recorded, 0); code != C.CUDA_SUCCESS {
		return 0, errors.New(reason(code))
	}
	d.graphs = append(d.graphs, g)
	return driver.Graph(len(d.graphs) - 1), nil
}

func (d *device) Replay(g driver.Graph) error {
	release, err := d.bind()
	if err != nil {
		return err
	}
	defer release()
	if code := C.cuGraphLaunch(d.graphs[g].exec, d.cStream()); code != C.CUDA_SUCCESS {
		return fmt.Errorf("graph: %s", reason(code))
	}
	d.launched(d.graphs[g].kernels...)
	return nil
}

func (d *device) FreeGraph(g driver.Graph) {
	release, err := d.bind()
	if err != nil {
		return // the context is gone, and the graph with it
	}
	defer release()
	C.cuGraphExecDestroy(d.graphs[g].exec)
	d.graphs[g] = captured{}
}
