//go:build cudaemu

#include "attention_decode.cu"
