//go:build cudaemu

#include "emu_cuda.h"

#include "faulty.h"
