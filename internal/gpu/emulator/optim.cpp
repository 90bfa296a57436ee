//go:build cudaemu

#include "optim.cu"
