// Package gpu is a CUDA device: memory, copies, kernels launched by name, events and graphs.
//
// A driver (package driver) stands behind it, chosen when the program is built: nvidia's by the tag cuda, a real
// device; the emulator's by the tag cudaemu, for tests on machines without a GPU; without either there is no device
// at all, and Open says how to build one that has one.
//
// # Vocabulary
//
//   - Everything on a device happens in the order in which it was asked for: there is one stream. Calls return before
//     the device is done; Sync waits.
//   - An error is sticky: after a fault nothing more runs until Sync has returned it, naming the kernel.
//   - A kernel's arguments are 64-bit slots: an address, an integer, or the bits of a float32 in the low half.
package gpu
