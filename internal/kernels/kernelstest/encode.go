package kernelstest

import (
	"encoding/binary"
	"math"

	"dmtrain/internal/tensor"
)

func length(values any) int {
	switch v := values.(type) {
	case []float32:
		return len(v)
	case []int32:
		return len(v)
	case []uint8:
		return len(v)
	}
	panic("kernelstest: values are []float32, []int32 or []uint8")
}

// encode writes the operand's values into the arena.
func (o *operand) encode(arena []byte) {
	for i := range o.len() {
		at := arena[o.position+o.element(i)*o.dtype.Size():]
		switch v := o.values.(type) {
		case []float32:
			encodeFloat(at, o.dtype, v[i])
		case []int32:
			binary.NativeEndian.PutUint32(at, uint32(v[i]))
		case []uint8:
			at[0] = v[i]
		}
	}
}

func encodeFloat(at []byte, dt tensor.DType, v float32) {
	switch dt {
	case tensor.Float32:
		binary.NativeEndian.PutUint32(at, math.Float32bits(v))
	case tensor.BFloat16:
		binary.NativeEndian.PutUint16(at, bfloat16(v))
	default:
		panic("kernelstest: float values for an operand of integers")
	}
}

// decode reads the operand's elements, all types as float64, in which every value is exact.
func (o *operand) decode(arena []byte) []float64 {
	out := make([]float64, o.len())
	for i := range out {
		at := arena[o.position+o.element(i)*o.dtype.Size():]
		switch o.dtype {
		case tensor.Float32:
			out[i] = float64(math.Float32frombits(binary.NativeEndian.Uint32(at)))
		case tensor.BFloat16:
			out[i] = float64(math.Float32frombits(uint32(binary.NativeEndian.Uint16(at)) << 16))
		case tensor.Int32:
			out[i] = float64(int32(binary.NativeEndian.Uint32(at)))
		case tensor.Uint8:
			out[i] = float64(at[0])
		}
	}
	return out
}

// bfloat16 keeps the upper half of a finite float32, rounded to nearest even.
func bfloat16(v float32) uint16 {
	low, high := math.Float32bits(v)&0xffff, uint16(math.Float32bits(v)>>16)
	if low > 0x8000 || (low == 0x8000 && high%2 == 1) {
		high++
	}
	return high
}
