// Package doctor says what there is to compute with, and whether it computes rightly.
//
// Its self-test makes a call of every operation of package kernels on a device and on the reference (kernels/ref,
// which is the formulas in float64), from the same numbers, and holds one's outputs to the other's, and so the
// losses of some steps of training. It is no replacement for the conformance suite (kernels/kernelstest), which
// tries every shape: it finds a broken driver, a miscompiled kernel, a processor that lies about what it can.
package doctor
