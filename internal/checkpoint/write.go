package checkpoint

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"dmtrain/internal/tensor"
)

// Tensor is a tensor to store. Float32, Float32From, Int32 and Uint8 make one.
type Tensor struct {
	Name  string
	DType DType
	Shape tensor.Shape

	write func(io.Writer) error
}

// Float32 is an F32 tensor of data, which must not change until it is written.
func Float32(name string, shape tensor.Shape, data []float32) Tensor {
	return Tensor{name, F32, shape, chunked(shape, data)}
}

// Float32From is an F32 tensor whose values read fetches when they are written, so that the host holds only one
// tensor of a device's model at a time.
func Float32From(name string, shape tensor.Shape, read func(dst []float32) error) Tensor {
	return Tensor{name, F32, shape, func(w io.Writer) error {
		data := make([]float32, shape.Elems())
		if err := read(data); err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		return chunked(shape, data)(w)
	}}
}

// Int32 is an I32 tensor.
func Int32(name string, shape tensor.Shape, data []int32) Tensor {
	return Tensor{name, I32, shape, chunked(shape, data)}
}

// Uint8 is a U8 tensor.
func Uint8(name string, shape tensor.Shape, data []uint8) Tensor {
	return Tensor{name, U8, shape, chunked(shape, data)}
}

// chunked writes data chunk by chunk.
func chunked[T float32 | int32 | uint8](shape tensor.Shape, data []T) func(io.Writer) error {
	if len(data) != shape.Elems() {
		panic("checkpoint: data does not fit the shape")
	}
	return func(w io.Writer) error {
		buf := make([]byte, 0, min(chunkBytes, binary.Size(data)))
		for part := range slices.Chunk(data, chunkBytes/4) {
			var err error
			if buf, err = binary.Append(buf[:0], binary.LittleEndian, part); err != nil {
				panic("checkpoint: element of unknown size")
			}
			if _, err = w.Write(buf); err != nil {
				return err
			}
		}
		return nil
	}
}

func (t Tensor) bytes() int64 { return int64(t.Shape.Elems()) * int64(t.DType.Size()) }

// WriteTensors writes a safetensors file. Names must be unique. The bytes do not depend on the order of tensors:
// they are sorted by descending element size (which aligns them, since the header's length is a multiple of 8),
// then by name.
func WriteTensors(w io.Writer, tensors []Tensor, metadata map[string]string) error {
	sorted := slices.SortedFunc(slices.Values(tensors), func(a, b Tensor) int {
		return cmp.Or(b.DType.Size()-a.DType.Size(), strings.Compare(a.Name, b.Name))
	})
	header := encodeHeader(sorted, metadata)
	if len(header) > maxHeaderBytes {
		return fmt.Errorf("header of %d bytes exceeds the format's limit of %d", len(header), maxHeaderBytes)
	}
	prefix := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	if _, err := w.Write(append(prefix, header...)); err != nil {
		return err
	}
	for _, t := range sorted {
		if err := t.write(w); err != nil {
			return err
		}
	}
	return nil
}

func encodeHeader(tensors []Tensor, metadata map[string]string) []byte {
	var b bytes.Buffer
	b.WriteByte('{')
	if len(metadata) > 0 {
		b.WriteString(`"` + metadataKey + `":{`)
		for i, k := range slices.Sorted(maps.Keys(metadata)) {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "%s:%s", quote(k), quote(metadata[k]))
		}
		b.WriteByte('}')
	}
	seen := map[string]bool{metadataKey: true}
	var at int64
	for _, t := range tensors {
		if seen[t.Name] {
			panic("checkpoint: tensor name is reserved or used twice")
		}
		seen[t.Name] = true
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		end := at + t.bytes()
		fmt.Fprintf(&b, `%s:{"dtype":%q,"shape":%s,"data_offsets":[%d,%d]}`, quote(t.Name), t.DType, dims(t.Shape),
			at, end)
		at = end
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	return b.Bytes()
}

func quote(s string) []byte {
	if !utf8.ValidString(s) {
		panic("checkpoint: name or metadata is not UTF-8")
	}
	text, err := json.Marshal(s)
	if err != nil {
		panic("checkpoint: a string that JSON cannot hold")
	}
	return text
}

func dims(s tensor.Shape) []byte {
	text, err := json.Marshal(append([]int{}, s...))
	if err != nil {
		panic("checkpoint: a shape that JSON cannot hold")
	}
	return text
}
