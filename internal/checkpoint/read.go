package checkpoint

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"dmtrain/internal/tensor"
	"dmtrain/internal/textio"
)

// chunkBytes are read or written at a time: a multiple of every element's size.
const chunkBytes = 1 << 18

// Tensors is an open safetensors file. Only the header is in memory; tensors are read on demand. Methods may be called
// concurrently.
type Tensors struct {
	file     string // for messages
	r        io.ReaderAt
	data     int64 // where the data section begins
	infos    []TensorInfo
	index    map[string]int
	metadata map[string]string
	closer   io.Closer
}

// OpenTensors opens a safetensors file. Errors name it.
func OpenTensors(path string) (*Tensors, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return tensorsOf(f, path)
}

// tensorsOf reads the header of f, and takes f over.
func tensorsOf(f *os.File, path string) (*Tensors, error) {
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("%s: not a regular file", path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	t, err := NewTensors(f, st.Size())
	if err != nil {
		if kind := mistaken(f); kind != "" {
			err = fmt.Errorf("%s: not a safetensors file but %s", path, kind)
		} else {
			err = fmt.Errorf("%s: not a valid safetensors file: %w", path, err)
		}
		f.Close()
		return nil, err
	}
	t.file, t.closer = filepath.Base(path), f
	return t, nil
}

// mistaken says what kind of file a supposed safetensors file is, if its head shows it.
func mistaken(r io.ReaderAt) string {
	head := make([]byte, 64)
	n, _ := r.ReadAt(head, 0)
	head = head[:n]
	switch {
	case n == 0:
		return "empty"
	case bytes.HasPrefix(head, []byte("\x80\x02")):
		return "a Python pickle: save the model again as safetensors"
	case bytes.HasPrefix(head, []byte("<")):
		return "a web page, or other markup: it was not fetched as it is"
	}
	return textio.Foreign(head)
}

// NewTensors reads the header of a safetensors file of size bytes.
func NewTensors(r io.ReaderAt, size int64) (*Tensors, error) {
	if size < lengthBytes {
		return nil, fmt.Errorf("%d bytes is too short", size)
	}
	var raw [lengthBytes]byte
	if err := readFull(r, raw[:], 0); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(raw[:])
	if n > maxHeaderBytes {
		return nil, fmt.Errorf("header length %d exceeds the limit of %d bytes", n, maxHeaderBytes)
	}
	data := lengthBytes + int64(n)
	if data > size {
		return nil, fmt.Errorf("header length %d exceeds the file's %d bytes", n, size)
	}
	text := make([]byte, n)
	if err := readFull(r, text, lengthBytes); err != nil {
		return nil, err
	}
	infos, metadata, err := parseHeader(text, size-data)
	if err != nil {
		return nil, err
	}
	return &Tensors{
		file:     "tensors",
		r:        r,
		data:     data,
		infos:    infos,
		index:    indexOf(infos),
		metadata: metadata,
	}, nil
}

func indexOf(infos []TensorInfo) map[string]int {
	index := make(map[string]int, len(infos))
	for i, t := range infos {
		index[t.Name] = i
	}
	return index
}

// readFull fills buf from offset at. A file that ends early is io.ErrUnexpectedEOF.
func readFull(r io.ReaderAt, buf []byte, at int64) error {
	n, err := r.ReadAt(buf, at)
	if n == len(buf) {
		return nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// Close closes the file, if OpenTensors opened one.
func (t *Tensors) Close() error {
	if t.closer == nil {
		return nil
	}
	return t.closer.Close()
}

// Metadata is the header's "__metadata__"; never nil. Do not change it.
func (t *Tensors) Metadata() map[string]string { return t.metadata }

// Infos lists the tensors by name. Do not change it.
func (t *Tensors) Infos() []TensorInfo { return t.infos }

// Info describes one tensor.
func (t *Tensors) Info(name string) (TensorInfo, bool) {
	i, ok := t.index[name]
	if !ok {
		return TensorInfo{}, false
	}
	return t.infos[i], true
}

// Float32s reads a whole tensor of type F32, F16 or BF16; all values convert exactly.
func (t *Tensors) Float32s(name string) ([]float32, error) {
	info, err := t.find(name)
	if err != nil {
		return nil, err
	}
	dst := make([]float32, info.Shape.Elems())
	return dst, t.ReadFloat32s(dst, name, info.Shape)
}

// ReadFloat32s is Float32s into dst, for a tensor that must have the given shape.
func (t *Tensors) ReadFloat32s(dst []float32, name string, shape tensor.Shape) error {
	info, err := t.find(name)
	if err != nil {
		return err
	}
	if !info.Shape.Equal(shape) {
		return fmt.Errorf("%s: tensor %q has shape %v, want %v", t.file, name, info.Shape, shape)
	}
	if len(dst) != shape.Elems() {
		panic("checkpoint: dst does not fit the shape")
	}
	switch info.DType {
	case F32:
		return readChunks(t, info, dst, decode)
	case F16:
		return readChunks(t, info, dst, func(dst []float32, src []byte) { widen(dst, src, widenF16) })
	case BF16:
		return readChunks(t, info, dst, func(dst []float32, src []byte) { widen(dst, src, widenBF16) })
	}
	return t.wrongType(info, "F32, F16 or BF16")
}

// Int32s reads a whole tensor of type I32.
func (t *Tensors) Int32s(name string) ([]int32, error) {
	info, err := t.find(name)
	if err != nil {
		return nil, err
	}
	if info.DType != I32 {
		return nil, t.wrongType(info, "I32")
	}
	dst := make([]int32, info.Shape.Elems())
	return dst, readChunks(t, info, dst, decode)
}

// Uint8s reads a whole tensor of type U8 or BOOL.
func (t *Tensors) Uint8s(name string) ([]uint8, error) {
	info, err := t.find(name)
	if err != nil {
		return nil, err
	}
	if info.DType != U8 && info.DType != Bool {
		return nil, t.wrongType(info, "U8 or BOOL")
	}
	dst := make([]uint8, info.Shape.Elems())
	return dst, readChunks(t, info, dst, decode)
}

func (t *Tensors) find(name string) (TensorInfo, error) {
	info, ok := t.Info(name)
	if !ok {
		return info, fmt.Errorf("%s: tensor %q is missing", t.file, name)
	}
	return info, nil
}

func (t *Tensors) wrongType(info TensorInfo, want string) error {
	return fmt.Errorf("%s: tensor %q is %s, want %s", t.file, info.Name, info.DType, want)
}

// readChunks fills dst with a tensor's elements, chunk by chunk.
func readChunks[T any](t *Tensors, info TensorInfo, dst []T, convert func(dst []T, src []byte)) error {
	size := info.DType.Size()
	buf := make([]byte, min(chunkBytes, len(dst)*size))
	at := t.data + info.begin
	for len(dst) > 0 {
		n := min(len(dst), len(buf)/size)
		src := buf[:n*size]
		if err := readFull(t.r, src, at); err != nil {
			return fmt.Errorf("%s: tensor %q: %w", t.file, info.Name, err)
		}
		convert(dst[:n], src)
		dst, at = dst[n:], at+int64(len(src))
	}
	return nil
}

// decode copies values of the same type.
func decode[T float32 | int32 | uint8](dst []T, src []byte) {
	if _, err := binary.Decode(src, binary.LittleEndian, dst); err != nil {
		panic("checkpoint: short chunk")
	}
}

func widen(dst []float32, src []byte, value func(uint16) float32) {
	for i := range dst {
		dst[i] = value(binary.LittleEndian.Uint16(src[2*i:]))
	}
}

// renamed is a view of t under other names, without the tensors whose new name is "".
func (t *Tensors) renamed(name func(string) string) (*Tensors, error) {
	view := *t
	view.infos = nil
	view.index = map[string]int{}
	for _, info := range t.infos {
		stored := info.Name
		if info.Name = name(stored); info.Name == "" {
			continue
		}
		if _, dup := view.index[info.Name]; dup {
			return nil, fmt.Errorf("%s: tensors %q and %q are one parameter", t.file, info.Name, stored)
		}
		view.index[info.Name] = len(view.infos)
		view.infos = append(view.infos, info)
	}
	return &view, nil
}
