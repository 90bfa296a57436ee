// Package gpu is a CUDA device: memory, copies, kernels launched by name, events and graphs.
//
// Three drivers stand behind it, chosen when the program is built:
//
//   - build tag cuda: a real device, through gorgonia.org/cu and libcuda.so.1, which is looked for at run time;
//   - build tag cudaemu: the emulated device, for tests on machines without a GPU. It runs the same kernel sources,
//     compiled by g++, thread for thread, and reports every access out of bounds, every missing barrier and every read of
//     shared memory that was never written, with kernel, block and thread;
//   - neither: no device at all; Open says how to build one that has one.
//
// Matrix products may be computed by cuBLASLt, which is looked for at run time (BLAS); DMTRAIN_CUBLASLT names its library.
// DMTRAIN_LIBCUDA names another driver library than libcuda.so.1, such as emucuda's, which runs the emulated device behind the driver's
// interface. DMTRAIN_GPU_SYNC=1 waits after every kernel, to learn which one fails.
//
// # Vocabulary
//
//   - Everything on a device happens in the order in which it was asked for: there is one stream. Calls return before
//     the device is done; Sync waits.
//   - An error is sticky: after a fault nothing more runs until Sync has returned it, naming the kernel.
//   - A kernel's arguments are 64-bit slots: an address, an integer, or the bits of a float32 in the low half.
package gpu
