//go:build cudaemu

#include "emu_cuda.h"

#include "emu_faulty.h"
