// Package cuda runs the contract of package kernels on a GPU: launchers for the kernels of the top folder kernels/,
// whose PTX is embedded here (ptx/, made by scripts/build-kernels.sh).
//
// It needs no build tag: it runs on whichever device package gpu has, a real one, an emulated one, or none, which
// Open reports.
//
// # How it is built
//
// Each file is the twin of a kernel source: attention.go launches what attention_f32.cu, attention_bf16.cu and
// attention_decode.cu hold. A method checks its arguments, works out a grid from the shape, and launches.
//
// # Numbers
//
// Activations and weights are float32 or, all of them together, bfloat16; gradients of parameters, statistics and
// losses are float32 either way. Sums are float32 at least, in an order that the shape alone decides, so that the
// same call gives the same bits. Matrix products go to cuBLASLt where it can be loaded, whose choice of algorithm
// may depend on the number of rows: only without it (Options.NoBLAS) is a row's result independent of how a batch
// is cut, bit for bit.
//
// # Limits
//
// A head is at most 128 wide. A launch that needs more scratch memory than any before allocates it; a step that has
// run once allocates nothing and may be captured as a graph.
package cuda
