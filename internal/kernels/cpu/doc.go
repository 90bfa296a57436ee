// Package cpu is the fast backend for the machine's own processor.
//
// # How it is built
//
// An operation checks its arguments, describes itself as a task of so many items and hands it to a
// pool of persistent workers. Items are cut from the shape alone, an item writes only what it owns, and sums
// over items are taken in ascending order, so the number of threads changes nothing but the time.
//
// The loops that cost time are primitives (see primitives): matrix products of tiles, softmax steps, and so on.
// Everything above them, blocking, packing, tile skipping, is the same Go code on every instruction set.
//
// # Rounding
//
// A value's bits depend on the instruction set (Info's Path) and on nothing else: not on the threads, and not on
// how many other rows the call has. Matrix products sum over k in ascending order, in float32.
package cpu
