// Package tensor defines what every backend's memory has in common: element types, shapes and
// opaque buffers.
//
// Letters used for dimensions across the project: B batch rows, T query positions, S key (source)
// positions, C model width, H heads, D = C/H, V vocabulary, N = B·T tokens. Data is row-major.
package tensor

import (
	"fmt"
	"strings"
)

// DType is the type of a buffer's elements.
type DType uint8

// The element types.
const (
	Float32 DType = iota
	BFloat16
	Int32
	Uint8
)

// Size is the number of bytes of one element.
func (d DType) Size() int {
	switch d {
	case Float32, Int32:
		return 4
	case BFloat16:
		return 2
	case Uint8:
		return 1
	}
	panic("tensor: unknown DType")
}

func (d DType) String() string {
	switch d {
	case Float32:
		return "float32"
	case BFloat16:
		return "bfloat16"
	case Int32:
		return "int32"
	case Uint8:
		return "uint8"
	}
	return fmt.Sprintf("DType(%d)", uint8(d))
}

// Shape is the length of each dimension, outermost first.
type Shape []int

// Elems is the number of elements; the empty shape is a scalar and has one.
func (s Shape) Elems() int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

// Equal reports whether both shapes have the same dimensions.
func (s Shape) Equal(t Shape) bool {
	if len(s) != len(t) {
		return false
	}
	for i := range s {
		if s[i] != t[i] {
			return false
		}
	}
	return true
}

// Rows is the product of all dimensions but the last, and Cols is the last: a tensor seen as a matrix.
func (s Shape) Rows() int { return s[:len(s)-1].Elems() }

// Cols is the innermost dimension.
func (s Shape) Cols() int { return s[len(s)-1] }

func (s Shape) String() string {
	parts := make([]string, len(s))
	for i, d := range s {
		parts[i] = fmt.Sprint(d)
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

// Buffer is a run of elements in some backend's memory. Only the backend that made it can look
// inside; everyone else copies in and out through the backend.
type Buffer interface {
	DType() DType
	Len() int // elements
}
