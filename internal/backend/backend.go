// Package backend opens the device a configuration names. It is the only place that chooses.
package backend

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"dmtrain/internal/gpu"
	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/cpu"
	"dmtrain/internal/kernels/cuda"
)

// Open opens "auto", "cpu", "cuda" or "cuda:N". Auto is the first GPU where this program drives GPUs and there is
// one, else the CPU; a GPU that is there but fails is an error, for a run that went on elsewhere would surprise.
// "cuda" is "cuda:0". The error says what is missing and what would work.
func Open(device string) (kernels.Backend, error) { return OpenThreads(device, 0) }

// OpenThreads is Open where the CPU computes on a number of threads; 0 are all.
func OpenThreads(device string, threads int) (kernels.Backend, error) {
	switch device {
	case "cpu":
		return openCPU("", threads)
	case "auto":
		return openAuto(threads)
	}
	n, err := ordinal(device)
	if err != nil {
		return nil, err
	}
	be, err := cuda.Open(n, cuda.Options{})
	switch {
	case errors.Is(err, gpu.ErrUnavailable):
		return nil, fmt.Errorf("device: %s: %w; device: cpu does without", device, err)
	case err != nil:
		return nil, fmt.Errorf("device: %s: %w", device, err)
	}
	return be, nil
}

// ordinal is N of "cuda:N", and 0 of "cuda".
func ordinal(device string) (int, error) {
	number, numbered := strings.CutPrefix(device, "cuda:")
	if device == "cuda" {
		return 0, nil
	}
	n, err := strconv.Atoi(number)
	if !numbered || err != nil || n < 0 || number != strconv.Itoa(n) { // decimal, or refused: 01 is another spelling
		return 0, fmt.Errorf("device: %q is not a device (auto, cpu, cuda, cuda:N)", device)
	}
	return n, nil
}

// openCPU opens the CPU, whose Info says noGPU.
func openCPU(noGPU string, threads int) (kernels.Backend, error) {
	return cpu.New(cpu.Options{Threads: threads, NoGPU: noGPU})
}

// openAuto never takes the emulated device, which is for tests. Where it looked for a GPU in vain, the backend's
// Info says why.
func openAuto(threads int) (kernels.Backend, error) {
	if gpu.DriverName != gpu.CUDA {
		return openCPU("", threads)
	}
	be, err := cuda.Open(0, cuda.Options{})
	switch {
	case errors.Is(err, gpu.ErrUnavailable):
		return openCPU(strings.TrimPrefix(err.Error(), "gpu: "), threads)
	case err != nil:
		return nil, fmt.Errorf("device: auto: there is a GPU, but it does not open: %w; device: cpu does without it", err)
	}
	return be, nil
}
