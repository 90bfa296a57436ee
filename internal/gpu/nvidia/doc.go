// Package nvidia is a real CUDA device behind gorgonia.org/cu: libcuda.so.1, looked for at run time, contexts,
// memory, kernels, faults, captured graphs and cuBLASLt. It is built with the tag cuda only.
//
// DMTRAIN_LIBCUDA names another driver library than libcuda.so.1, such as package fakedriver's; DMTRAIN_CUBLASLT
// names cuBLASLt's. DMTRAIN_GPU_SYNC=1 waits after every kernel, to learn which one fails.
package nvidia
