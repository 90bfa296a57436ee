package checkpoint

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
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

func TestMalformedFilesAreRefused(t *testing.T) {
	entry := func(dtype, shape, offsets string) string {
		return fmt.Sprintf(`{"dtype":%q,"shape":%s,"data_offsets":%s}`, dtype, shape, offsets)
	}
	one := entry("U8", "[4]", "[0,4]")
	huge := binary.LittleEndian.AppendUint64(nil, math.MaxUint64)
	for _, c := range []struct {
		name string
		raw  []byte
		want string
	}{
		{"empty", nil, "too short"},
		{"length only in part", []byte{2, 0, 0}, "too short"},
		{"header length of 2⁶⁴−1", append(huge, "{}"...), "exceeds the limit"},
		{"header longer than the file", file("{}", "")[:9], "exceeds the file"},
		{"no header", file("", ""), "does not begin"},
		{"leading space", file(" {}", ""), "does not begin"},
		{"not JSON", file("{x}", ""), "invalid character"},
		{"cut JSON", file(`{"a":`, ""), "EOF"},
		{"an array", file("[]", ""), "does not begin"},
		{"not UTF-8", file("{\"\xff\":"+one+"}", "1234"), "UTF-8"},
		{"a second object", file("{}{}", ""), "after the JSON object"},
		{"duplicate tensor", file(`{"a":`+one+`,"a":`+one+`}`, "1234"), `duplicate key "a"`},
		{"duplicate metadata", file(`{"__metadata__":{"k":"1","k":"2"}}`, ""), `duplicate key "k"`},
		{"duplicate field", file(`{"a":{"dtype":"U8","dtype":"U8","shape":[4],"data_offsets":[0,4]}}`, "1234"),
			`duplicate key "dtype"`},
		{"metadata not a string", file(`{"__metadata__":{"k":1}}`, ""), "where a string"},
		{"metadata not an object", file(`{"__metadata__":"k"}`, ""), "where {"},
		{"tensor not an object", file(`{"a":3}`, ""), "where {"},
		{"unknown field", file(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"stride":1}}`, "1234"),
			`unknown key "stride"`},
		{"field in capitals", file(`{"a":{"DTYPE":"U8","shape":[4],"data_offsets":[0,4]}}`, "1234"),
			`unknown key "DTYPE"`},
		{"missing field", file(`{"a":{"dtype":"U8","shape":[4]}}`, "1234"), "needs dtype"},
		{"unknown dtype", file(`{"a":`+entry("C64", "[4]", "[0,4]")+`}`, "1234"), `dtype "C64"`},
		{"negative dimension", file(`{"a":`+entry("U8", "[-4]", "[0,4]")+`}`, "1234"), "not a size"},
		{"fractional dimension", file(`{"a":`+entry("U8", "[4.0]", "[0,4]")+`}`, "1234"), "not a size"},
		{"exponent", file(`{"a":`+entry("U8", "[4e0]", "[0,4]")+`}`, "1234"), "not a size"},
		{"string dimension", file(`{"a":`+entry("U8", `["4"]`, "[0,4]")+`}`, "1234"), "where a size"},
		{"nested shape", file(`{"a":`+entry("U8", "[[4]]", "[0,4]")+`}`, "1234"), "where a size"},
		{"product overflows", file(`{"a":`+entry("F32", "[4294967296,4294967296]", "[0,4]")+`}`, "1234"), "too large"},
		{"product overflows before a zero", file(`{"a":`+entry("F32", "[4294967296,4294967296,0]", "[0,0]")+`}`, ""),
			"too large"},
		{"three offsets", file(`{"a":`+entry("U8", "[4]", "[0,4,4]")+`}`, "1234"), "3 entries"},
		{"offsets reversed", file(`{"a":`+entry("U8", "[4]", "[4,0]")+`}`, "1234"), "takes 4 bytes"},
		{"size differs from shape", file(`{"a":`+entry("F32", "[4]", "[0,4]")+`}`, "1234"), "takes 16 bytes"},
		{"out of bounds", file(`{"a":`+entry("U8", "[5]", "[0,5]")+`}`, "1234"), "torn"},
		{"overlap", file(`{"a":`+one+`,"b":`+entry("U8", "[4]", "[2,6]")+`}`, "123456"), "begins at byte 2"},
		{"same place", file(`{"a":`+one+`,"b":`+one+`}`, "1234"), "begins at byte 0"},
		{"hole", file(`{"a":`+one+`,"b":`+entry("U8", "[1]", "[5,6]")+`}`, "123456"), "begins at byte 5"},
		{"something appended", file(`{"a":`+one+`}`, "12345"), "appended"},
		{"cut data", file(`{"a":`+one+`}`, "123"), "torn"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := read(c.raw); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestFilesMistakenForTensorsAreNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.safetensors")
	const pointer = "version https://git-lfs.github.com/spec/v1\noid " +
		"sha256:248dfc3911869ec493c76e65bf2fcd2815f1a1cf01a3b9b5bfc5d3b0c2e2f3d8\nsize 548105171\n"
	for head, want := range map[string]string{
		pointer: "not a safetensors file but a Git LFS pointer",
		"PK\x03\x04\x00\x00\x08\x08\x00\x00archive/data.pkl": "not a safetensors file but a zip archive",
		"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80":       "not a safetensors file but a Python pickle",
		"<!DOCTYPE html><html>":                              "not a safetensors file but a web page",
		"\x1f\x8b\x08\x00and more":                           "not a safetensors file but gzip",
		"":                                                   "not a safetensors file but empty",
		"nothing that is known":                              "not a valid safetensors file: header length",
	} {
		if err := os.WriteFile(path, []byte(head), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenTensors(path); err == nil || !strings.Contains(err.Error(), path+": "+want) {
			t.Errorf("%.20q: error %v, want %q", head, err, want)
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

func TestReadingNamesFileAndTensor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	raw := encoded(t, []Tensor{Int32("n", tensor.Shape{2}, []int32{1, 2}),
		Float32("f", tensor.Shape{2}, []float32{1, 2})}, nil)
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	from, err := OpenTensors(path)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	_, missing := from.Float32s("m")
	_, float := from.Float32s("n")
	_, ints := from.Int32s("f")
	_, bytes := from.Uint8s("f")
	for _, c := range []struct {
		err  error
		want string
	}{
		{missing, `x.safetensors: tensor "m" is missing`},
		{float, `x.safetensors: tensor "n" is I32, want F32, F16 or BF16`},
		{ints, `x.safetensors: tensor "f" is F32, want I32`},
		{bytes, `x.safetensors: tensor "f" is F32, want U8 or BOOL`},
		{from.ReadFloat32s(make([]float32, 2), "f", tensor.Shape{1, 2}),
			`x.safetensors: tensor "f" has shape (2), want (1, 2)`},
	} {
		if c.err == nil || c.err.Error() != c.want {
			t.Errorf("error %q, want %q", c.err, c.want)
		}
	}
	if err := os.WriteFile(path, raw[:len(raw)-1], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := from.Int32s("n"); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a file cut while open: %v", err)
	}
	if _, err := OpenTensors(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v does not name %s", err, path)
	}
	if _, err := OpenTensors(t.TempDir()); err == nil {
		t.Error("a directory opened as a file")
	}
}

func TestWhatAProgrammerGetsWrongPanics(t *testing.T) {
	for name, f := range map[string]func(){
		"short data": func() { Float32("x", tensor.Shape{2}, make([]float32, 1)) },
		"two of a name": func() {
			a := Uint8("x", tensor.Shape{0}, nil)
			WriteTensors(io.Discard, []Tensor{a, a}, nil)
		},
		"reserved name":  func() { WriteTensors(io.Discard, []Tensor{Uint8(metadataKey, tensor.Shape{0}, nil)}, nil) },
		"name not UTF-8": func() { WriteTensors(io.Discard, []Tensor{Uint8("\xff", tensor.Shape{0}, nil)}, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if s, ok := recover().(string); !ok || !strings.HasPrefix(s, "checkpoint: ") {
					t.Error("did not panic with a message of this package")
				}
			}()
			f()
		})
	}
}

// FuzzTensors: no input makes the reader panic, and what it accepts it reads in full and writes back
// to a file that says the same.
func FuzzTensors(f *testing.F) {
	f.Add(encoded(f, []Tensor{
		Float32("w", tensor.Shape{2, 2}, []float32{1, 2, 3, 4}),
		rawTensor("h", F16, tensor.Shape{1}, []byte{0, 60}), Uint8("m", tensor.Shape{3}, []uint8{1, 0, 1}),
	}, map[string]string{"format": "pt"}))
	f.Add(file("{}", ""))
	f.Add(file(`{"a":{"dtype":"BOOL","shape":[],"data_offsets":[0,1]}}`, "\x01"))
	f.Add(file(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],`+
		`"data_offsets":[2,6]}}`, "123456"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		from, err := read(raw)
		if err != nil {
			return
		}
		var again []Tensor
		for _, info := range from.Infos() {
			data := make([]byte, info.end-info.begin)
			if err := readFull(from.r, data, from.data+info.begin); err != nil {
				t.Fatalf("%q was accepted and cannot be read: %v", info.Name, err)
			}
			if v, err := from.Float32s(info.Name); err == nil && len(v) != info.Shape.Elems() {
				t.Fatalf("%q: %d values", info.Name, len(v))
			}
			again = append(again, rawTensor(info.Name, info.DType, info.Shape, data))
		}
		back, err := read(encoded(t, again, from.Metadata()))
		if err != nil {
			t.Fatalf("the rewritten file is refused: %v", err)
		}
		if len(back.Infos()) != len(from.Infos()) || !cmp.Equal(back.Metadata(), from.Metadata()) {
			t.Fatal("the rewritten file differs")
		}
	})
}
