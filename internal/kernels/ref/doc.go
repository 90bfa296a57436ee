// Package ref is the reference backend: every operation of package kernels as its formula, in plain loops, float64
// inside. It is slow on purpose. Read it first, then its fast twins.
//
// # How a kernel is written here
//
// Each file has the name of its contract. A method widens its inputs to float64, applies a formula, and
// rounds once into the outputs, to nearest even. The formula is a function over []float64 that knows nothing of
// buffers, so that the package's own tests can hold every gradient against central differences without float32's
// noise. Since all inputs are read before any output is written, an output that may be an input needs no care.
//
// # What it checks
//
// A wrong length or type panics, naming the argument. An index read from a buffer that points outside its table is
// a fault: the call is left undone and Sync tells. PrepareMask stamps the tables with a hash of the mask's vectors, and
// Attention panics when they have changed since: a stale mask is the mistake that no number shows.
package ref
