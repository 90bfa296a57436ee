//go:build cudaemu

#include "embedding.cu"
