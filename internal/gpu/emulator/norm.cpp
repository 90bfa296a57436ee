//go:build cudaemu

#include "norm.cu"
