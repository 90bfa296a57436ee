// Package bench measures how fast a backend's kernels run: where the time of a step goes (Profiler), how fast matrix
// products can be (MatMulPeak), and attention by itself under masks of several forms (Attention).
//
// A family is a group of kernels that do the same sort of work; GFLOP/s are billions of floating-point operations a
// second, a multiply-add counting as two. Attention counts its visible pairs of query and key: two products of
// head-width multiply-adds each forward, five backward.
//
// Times are by the device's own clock where it has one, else by the host's, once the work is done.
package bench
