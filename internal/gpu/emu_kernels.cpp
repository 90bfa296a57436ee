//go:build cudaemu

// The kernels, compiled for the emulated device from the very sources that nvcc compiles. The links *.cu.h stand here
// only so that the go command sees when one of them changes.

#include "emu_cuda.h"

#include "emu_faulty.h"
