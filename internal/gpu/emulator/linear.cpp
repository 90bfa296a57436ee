//go:build cudaemu

#include "linear.cu"
