package checkpoint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dmtrain/internal/tensor"
)

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
