package checkpoint

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"dmtrain/internal/tensor"
)

// file is a safetensors file with the given header and data.
func file(header, data string) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header+data...)
}

func read(raw []byte) (*Tensors, error) {
	return NewTensors(bytes.NewReader(raw), int64(len(raw)))
}

func encoded(t testing.TB, tensors []Tensor, metadata map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteTensors(&b, tensors, metadata); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWriteIsTheFormatToTheByte(t *testing.T) {
	got := encoded(t, []Tensor{
		Uint8("a", tensor.Shape{3}, []uint8{7, 8, 9}),
		Int32("z", tensor.Shape{}, []int32{-1}),
		Float32("b", tensor.Shape{2, 1}, []float32{1, -2}),
	}, map[string]string{"y": "2", "x": "é\n"})
	header := `{"__metadata__":{"x":"é\n","y":"2"},` +
		`"b":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},` +
		`"z":{"dtype":"I32","shape":[],"data_offsets":[8,12]},` +
		`"a":{"dtype":"U8","shape":[3],"data_offsets":[12,15]}}`
	header += strings.Repeat(" ", (8-len(header)%8)%8)
	want := file(header, "\x00\x00\x80\x3f\x00\x00\x00\xc0"+"\xff\xff\xff\xff"+"\x07\x08\x09")
	if !bytes.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.String().Filter(func(s string) bool { return s != metadataKey }), 0, 6,
			rapid.ID).Draw(t, "names")
		metadata := rapid.MapOfN(rapid.String(), rapid.String(), 0, 3).Draw(t, "metadata")
		var tensors []Tensor
		want := map[string]any{}
		for _, name := range names {
			shape := tensor.Shape(rapid.SliceOfN(rapid.IntRange(0, 4), 0, 3).Draw(t, "shape"))
			n := shape.Elems()
			switch rapid.IntRange(0, 2).Draw(t, "kind") {
			case 0:
				bits := rapid.SliceOfN(rapid.Uint32(), n, n).Draw(t, "bits")
				want[name] = bits
				tensors = append(tensors, Float32(name, shape, fromBits(bits)))
			case 1:
				v := rapid.SliceOfN(rapid.Int32(), n, n).Draw(t, "int32")
				want[name] = v
				tensors = append(tensors, Int32(name, shape, v))
			case 2:
				v := rapid.SliceOfN(rapid.Uint8(), n, n).Draw(t, "uint8")
				want[name] = v
				tensors = append(tensors, Uint8(name, shape, v))
			}
		}
		var b bytes.Buffer
		if err := WriteTensors(&b, tensors, metadata); err != nil {
			t.Fatal(err)
		}
		got, err := read(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(metadata, got.Metadata()); diff != "" {
			t.Error(diff)
		}
		if len(got.Infos()) != len(tensors) {
			t.Fatalf("%d tensors, want %d", len(got.Infos()), len(tensors))
		}
		for _, w := range tensors {
			info, ok := got.Info(w.Name)
			if !ok || info.DType != w.DType || !info.Shape.Equal(w.Shape) {
				t.Errorf("%q: %+v, want %s %v", w.Name, info, w.DType, w.Shape)
			}
			if diff := cmp.Diff(want[w.Name], values(t, got, info)); diff != "" {
				t.Error(diff)
			}
		}
		again := slices.Clone(tensors)
		slices.Reverse(again)
		var c bytes.Buffer
		if err := WriteTensors(&c, again, metadata); err != nil || !bytes.Equal(b.Bytes(), c.Bytes()) {
			t.Error("bytes depend on the order of the tensors")
		}
	})
}

func fromBits(bits []uint32) []float32 {
	v := make([]float32, len(bits))
	for i, b := range bits {
		v[i] = math.Float32frombits(b)
	}
	return v
}

func toBits(v []float32) []uint32 {
	bits := make([]uint32, len(v))
	for i, f := range v {
		bits[i] = math.Float32bits(f)
	}
	return bits
}

// values reads a tensor; floats as bits, so that NaN equals itself.
func values(t interface{ Fatal(...any) }, from *Tensors, info TensorInfo) any {
	var v any
	var err error
	switch info.DType {
	case F32:
		var f []float32
		f, err = from.Float32s(info.Name)
		v = toBits(f)
	case I32:
		v, err = from.Int32s(info.Name)
	default:
		v, err = from.Uint8s(info.Name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestLargerThanAChunk(t *testing.T) {
	const n = chunkBytes/4*2 + 17
	want := make([]float32, n)
	for i := range want {
		want[i] = float32(i)
	}
	lazy := Float32From("x", tensor.Shape{n}, func(dst []float32) error { copy(dst, want); return nil })
	raw := encoded(t, []Tensor{lazy}, nil)
	if !bytes.Equal(raw, encoded(t, []Tensor{Float32("x", tensor.Shape{n}, want)}, nil)) {
		t.Error("Float32From and Float32 differ")
	}
	from, err := read(raw)
	if err != nil {
		t.Fatal(err)
	}
	got, err := from.Float32s("x")
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("values differ (%v)", err)
	}
}

func TestFloat32FromPassesItsErrorOn(t *testing.T) {
	fault := errors.New("device lost")
	err := WriteTensors(io.Discard,
		[]Tensor{Float32From("w", tensor.Shape{1}, func([]float32) error { return fault })}, nil)
	if !errors.Is(err, fault) || !strings.Contains(err.Error(), `"w"`) {
		t.Errorf("error %v", err)
	}
}

// Values from IEEE 754-2008 (binary16) and from the definition of bfloat16 (upper half of binary32).
func TestHalfPrecision(t *testing.T) {
	for _, c := range []struct {
		dtype DType
		bits  uint16
		want  float64
	}{
		{F16, 0x0000, 0}, {F16, 0x8000, math.Copysign(0, -1)},
		{F16, 0x3c00, 1}, {F16, 0xc000, -2}, {F16, 0x3555, 0.333251953125}, {F16, 0x7bff, 65504},
		{F16, 0x0400, 0x1p-14}, {F16, 0x0001, 0x1p-24}, {F16, 0x83ff, -0x3ffp-24},
		{F16, 0x7c00, math.Inf(1)}, {F16, 0xfc00, math.Inf(-1)}, {F16, 0x7e00, math.NaN()},
		{BF16, 0x3f80, 1}, {BF16, 0xc049, -3.140625}, {BF16, 0x0001, 0x1p-133},
		{BF16, 0x7f80, math.Inf(1)}, {BF16, 0x7fc0, math.NaN()},
	} {
		raw := encoded(t, []Tensor{rawTensor("x", c.dtype, tensor.Shape{1},
			binary.LittleEndian.AppendUint16(nil, c.bits))}, nil)
		from, err := read(raw)
		if err != nil {
			t.Fatal(err)
		}
		got, err := from.Float32s("x")
		if err != nil {
			t.Fatal(err)
		}
		same := float64(got[0]) == c.want && math.Signbit(float64(got[0])) == math.Signbit(c.want)
		if !same && !(math.IsNaN(c.want) && math.IsNaN(float64(got[0]))) {
			t.Errorf("%s %#04x = %v, want %v", c.dtype, c.bits, got[0], c.want)
		}
	}
}

func TestEmptyTensorsMayShareAPlace(t *testing.T) {
	from, err := read(file(`{"b":{"dtype":"F32","shape":[0,7],"data_offsets":[0,0]},"a":{"dtype":"F32","shape":[1],`+
		`"data_offsets":[0,4]},"c":{"dtype":"F32","shape":[0],"data_offsets":[4,4]}}  `, "\x00\x00\x80\x3f"))
	if err != nil {
		t.Fatal(err)
	}
	if v, err := from.Float32s("b"); err != nil || len(v) != 0 {
		t.Errorf("%v, %v", v, err)
	}
}
