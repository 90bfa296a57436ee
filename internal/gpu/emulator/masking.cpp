//go:build cudaemu

#include "masking.cu"
