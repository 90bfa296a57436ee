// Package emulator is an emulated CUDA device in the same process, for tests on machines without a GPU. It runs the
// kernel sources of kernels/*.cu, compiled by g++, thread for thread, and reports every access out of bounds, every
// missing barrier and every read of shared memory that was never written, with kernel, block and thread. It is
// built with the tag cudaemu only.
//
// A thread of a block is a fibre (fibre.c); a barrier or a warp instruction (warp.c) switches fibres, in an order
// drawn from a seed (run.c). Every load and store goes through the checks of memory.c. The sources NAME.cpp hold
// one family of kernels each.
package emulator
