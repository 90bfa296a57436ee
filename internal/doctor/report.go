package doctor

import (
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/klauspost/cpuid/v2"

	"dmtrain/internal/backend"
	"dmtrain/internal/gpu"
	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/cpu"
	"dmtrain/internal/task"
)

// Report is what there is, and how it does.
type Report struct {
	Processor string       `json:"processor"`    // the CPU's name, as far as it tells
	Features  []string     `json:"cpu_features"` // of those that paths ask for, what the CPU has
	Paths     []cpu.Choice `json:"cpu_paths"`    // for the CPU, the best first
	Driver    string       `json:"gpu_driver"`   // which driver the program was built with: cuda, emulated or none
	NoGPU     string       `json:"no_gpu"`       // why there is no GPU to be had; empty where there is one
	Devices   []Device     `json:"devices"`      // the CPU first
	Healthy   bool         `json:"healthy"`      // every operation of every device is right
}

// Device is a place to compute.
type Device struct {
	Device  string          `json:"device"` // what the setting device calls it
	Name    string          `json:"name"`
	GPU     *gpu.Properties `json:"gpu,omitempty"`
	MatMul  string          `json:"matmul,omitempty"` // what computes matrix products on a GPU
	Problem string          `json:"problem,omitempty"`
	Tests   []Finding       `json:"tests"`
}

// Examine looks at the CPU and every GPU.
func Examine(tasks task.Table) Report {
	r := Report{
		Processor: processor(),
		Features:  cpu.Features(),
		Paths:     cpu.Choices(),
		Driver:    gpu.DriverName,
		Devices:   []Device{examine("cpu", nil, tasks)},
	}
	all, err := gpu.Devices()
	if err != nil {
		r.NoGPU = err.Error()
	}
	for i := range all {
		r.Devices = append(r.Devices, examine(fmt.Sprintf("cuda:%d", i), &all[i], tasks))
	}
	r.Healthy = true
	for _, d := range r.Devices {
		r.Healthy = r.Healthy && d.healthy()
	}
	return r
}

func (d *Device) healthy() bool {
	for _, f := range d.Tests {
		if !f.OK {
			return false
		}
	}
	return d.Problem == ""
}

// products is a backend that says what computes its matrix products.
type products interface{ MatMulPath() string }

// examine opens a device and tries it.
func examine(device string, properties *gpu.Properties, tasks task.Table) (d Device) {
	d = Device{Device: device, GPU: properties, Tests: []Finding{}}
	if properties != nil {
		d.Name = properties.Name
	}
	be, err := backend.Open(device)
	if errors.Is(err, gpu.ErrUnavailable) {
		err = errors.Unwrap(err) // what to do about a setting is beside the point
	}
	if err != nil {
		d.Problem = strings.TrimPrefix(err.Error(), "gpu: ")
		return d
	}
	defer func() {
		if err := be.Close(); err != nil && d.Problem == "" {
			d.Problem = err.Error()
		}
	}()
	d.describe(be)
	d.Tests = SelfTest(be, tasks)
	return d
}

func (d *Device) describe(be kernels.Backend) {
	if d.Name == "" {
		d.Name = be.Info().String()
	}
	if p, ok := be.(products); ok {
		d.MatMul = p.MatMulPath()
	}
}

// ErrUnhealthy is the error of a report with a wrong operation.
var ErrUnhealthy = errors.New("a device computes wrongly or does not open: see above")

// processor is the CPU's name, and its architecture where it has none to tell.
func processor() string {
	if name := strings.TrimSpace(cpuid.CPU.BrandName); name != "" {
		return name
	}
	return runtime.GOARCH
}
