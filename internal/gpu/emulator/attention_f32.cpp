//go:build cudaemu

#include "attention_f32.cu"
