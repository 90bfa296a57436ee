//go:build cudaemu

#include "attention_bf16.cu"
