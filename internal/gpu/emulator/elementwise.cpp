//go:build cudaemu

#include "elementwise.cu"
