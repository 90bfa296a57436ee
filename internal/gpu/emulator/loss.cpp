//go:build cudaemu

#include "loss.cu"
