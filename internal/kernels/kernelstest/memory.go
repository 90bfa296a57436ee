package kernelstest

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"dmtrain/internal/tensor"
)

func (s *suite) testInfo(t *testing.T) {
	info := s.k.Info()
	if info.Name == "" || info.Path == "" {
		t.Errorf("Info has no name or path: %+v", info)
	}
	if info.Threads < 1 || info.TileQ < 1 || info.TileS < 1 {
		t.Errorf("Info has a count below 1: %+v", info)
	}
}

func (s *suite) testMemory(t *testing.T) {
	for _, test := range []struct {
		name string
		run  func(*device)
	}{
		{"Alloc", allocZeroes},
		{"Alloc too much", allocFails},
		{"Upload and Download", uploadDownload},
		{"Upload lets go of its source", uploadLetsGo},
		{"bfloat16 rounding", bfloat16Rounding},
		{"Slice", sliceViews},
		{"Copy and Zero", copyAndZero},
		{"misuse", memoryMisuse},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(&device{t, s.k}) })
	}
}

var allTypes = [...]tensor.DType{tensor.Float32, tensor.BFloat16, tensor.Int32, tensor.Uint8}

func allocZeroes(d *device) {
	for _, dt := range allTypes {
		for _, n := range []int{1, 7, 65, 5000} {
			b, err := d.k.Alloc(dt, n)
			if err != nil {
				d.Fatal(err)
			}
			if b.DType() != dt || b.Len() != n {
				d.Errorf("Alloc(%v, %d) gave %d of %v", dt, n, b.Len(), b.DType())
			}
			if slices.ContainsFunc(d.bits(b), func(v uint8) bool { return v != 0 }) {
				d.Errorf("Alloc(%v, %d) is not zeroed", dt, n)
			}
			d.poison(b) // a pool that hands this memory out again must clear it
			d.k.Free(b)
		}
	}
}

func allocFails(d *device) {
	const tooMuch = 1 << 44 // 64 TiB
	if b, err := d.k.Alloc(tensor.Float32, tooMuch); err == nil {
		d.Errorf("Alloc gave %d elements", b.Len())
	}
	d.put(tensor.Uint8, []uint8{1}) // and it still works
}

func uploadDownload(d *device) {
	floats := []float32{0, 1, -2.5, 3e38, 1e-45, float32(math.Inf(-1))}
	if got := d.floats(d.put(tensor.Float32, floats)); !slices.Equal(got, floats) {
		d.Errorf("float32 came back as %v, want %v", got, floats)
	}
	ints, back := []int32{0, -1, math.MinInt32, math.MaxInt32}, make([]int32, 4)
	if err := d.k.Download(back, d.ints(ints...)); err != nil || !slices.Equal(back, ints) {
		d.Errorf("int32 came back as %v (%v), want %v", back, err, ints)
	}
	raw := []uint8{0, 1, 127, 128, 255}
	if got := d.bits(d.put(tensor.Uint8, raw)); !bytes.Equal(got, raw) {
		d.Errorf("uint8 came back as %v, want %v", got, raw)
	}
}

func uploadLetsGo(d *device) {
	src := normals(1, 1, 4000, 1)
	want := slices.Clone(src)
	b := d.put(tensor.Float32, src)
	clear(src)
	if !slices.Equal(d.floats(b), want) {
		d.Error("Upload still read its source after returning")
	}
}

// bfloat16Rounding has the cases of round to nearest even: just below, at and above ties with even and odd
// neighbours, over the largest, and subnormals.
func bfloat16Rounding(d *device) {
	from := []uint32{
		0x3f800000, 0x3f807fff, 0x3f808000, 0x3f808001, 0x3f817fff, 0x3f818000, 0x3f818001, 0xbf808000, 0xbf818000,
		0x7f7f7fff, 0x7f7f8000, 0xff7fffff, 0x7f800000, 0xff800000, 0x00000000, 0x80000000, 0x00008000, 0x00018000,
		0x00010000,
	}
	to := []uint32{
		0x3f80, 0x3f80, 0x3f80, 0x3f81, 0x3f81, 0x3f82, 0x3f82, 0xbf80, 0xbf82,
		0x7f7f, 0x7f80, 0xff80, 0x7f80, 0xff80, 0x0000, 0x8000, 0x0000, 0x0002, 0x0001,
	}
	src := make([]float32, len(from))
	for i, bits := range from {
		src[i] = math.Float32frombits(bits)
	}
	for i, got := range d.floats(d.put(tensor.BFloat16, src)) {
		if math.Float32bits(got) != to[i]<<16 {
			d.Errorf("%08x became %08x, want %04x0000", from[i], math.Float32bits(got), to[i])
		}
	}
	// A NaN whose payload sits in the lower half must not become an infinity, nor carry into the sign.
	for _, bits := range []uint32{0x7f800001, 0x7fffffff, 0xffffffff} {
		if got := d.floats(d.put(tensor.BFloat16, []float32{math.Float32frombits(bits)}))[0]; got == got {
			d.Errorf("NaN %08x became %v", bits, got)
		}
	}
}

// sliceViews writes through one view and reads through others, of other types and offsets.
func sliceViews(d *device) {
	arena := d.alloc(tensor.Uint8, 2048)
	floats := d.k.Slice(arena, tensor.Float32, 256, 65)
	d.k.Upload(floats, normals(1, 1, 65, 1))
	want := d.bits(floats)
	if got := d.bits(d.k.Slice(arena, tensor.Uint8, 256, 260)); !bytes.Equal(got, want) {
		d.Error("a view as bytes differs from the view as float32")
	}
	if got := d.bits(d.k.Slice(arena, tensor.BFloat16, 256+6, 3)); !bytes.Equal(got, want[6:12]) {
		d.Error("a view at an offset that is a multiple of the element size is elsewhere")
	}
	if got := d.bits(d.k.Slice(floats, tensor.Int32, 4, 64)); !bytes.Equal(got, want[4:]) {
		d.Error("a slice of a slice does not start at its parent")
	}
	d.k.Upload(d.k.Slice(floats, tensor.Float32, 8, 1), []float32{42})
	if got := d.floats(floats); got[2] != 42 {
		d.Error("a write through a slice is not seen in its parent")
	}
	rest := d.bits(arena)
	if slices.ContainsFunc(append(rest[:256:256], rest[516:]...), func(v uint8) bool { return v != 0 }) {
		d.Error("a write through a slice went outside it")
	}
	if got := d.k.Slice(arena, tensor.Float32, 2048, 0); got.Len() != 0 {
		d.Error("an empty slice at the end has elements")
	}
}

func copyAndZero(d *device) {
	for _, dt := range allTypes {
		for _, n := range []int{1, 65, 4099} {
			a, b := d.poisoned(dt, n+2), d.alloc(dt, n+2)
			inner := d.k.Slice(b, dt, dt.Size(), n)
			d.k.Copy(inner, d.k.Slice(a, dt, 2*dt.Size(), n))
			got, size := d.bits(b), dt.Size()
			if !bytes.Equal(got[size:size*(n+1)], bytes.Repeat([]byte{poison}, n*size)) {
				d.Errorf("Copy of %d of %v left something out", n, dt)
			}
			if slices.Max(got[:size]) != 0 || slices.Max(got[size*(n+1):]) != 0 {
				d.Errorf("Copy of %d of %v wrote outside", n, dt)
			}
			d.k.Zero(inner)
			if slices.Max(d.bits(b)) != 0 {
				d.Errorf("Zero of %d of %v left something", n, dt)
			}
			d.k.Zero(d.k.Slice(a, dt, size, n))
			if got := d.bits(a); slices.Max(got[size:size*(n+1)]) != 0 || slices.Min(got[:size]) != poison ||
				slices.Min(got[size*(n+1):]) != poison {
				d.Errorf("Zero of %d of %v is not exact", n, dt)
			}
		}
	}
}

func memoryMisuse(d *device) {
	f, i, u := d.alloc(tensor.Float32, 8), d.alloc(tensor.Int32, 8), d.alloc(tensor.Uint8, 8)
	for name, call := range map[string]func(){
		"Upload, short source":   func() { d.k.Upload(f, make([]float32, 7)) },
		"Upload, long source":    func() { d.k.Upload(f, make([]float32, 9)) },
		"Upload, other type":     func() { d.k.Upload(f, make([]int32, 8)) },
		"Upload, float to int":   func() { d.k.Upload(i, make([]float32, 8)) },
		"Upload, no such type":   func() { d.k.Upload(u, "01234567") },
		"Download, short":        func() { _ = d.k.Download(make([]float32, 7), f) },
		"Download, other type":   func() { _ = d.k.Download(make([]uint8, 8), i) },
		"Copy, other length":     func() { d.k.Copy(f, d.k.Slice(f, tensor.Float32, 0, 7)) },
		"Copy, other type":       func() { d.k.Copy(f, i) },
		"Slice past the end":     func() { d.k.Slice(f, tensor.Float32, 4, 8) },
		"Slice before the start": func() { d.k.Slice(f, tensor.Float32, -4, 1) },
		"Slice misaligned":       func() { d.k.Slice(f, tensor.Float32, 2, 1) },
	} {
		mustPanic(d, name, call)
	}
}

// mustPanic wants a panic whose value is a string that starts with "kernels: ".
func mustPanic(d *device, name string, call func()) {
	d.Helper()
	defer func() {
		d.Helper()
		const prefix = "kernels: "
		switch r := recover().(type) {
		case nil:
			d.Errorf("%s: no panic", name)
		case string:
			if len(r) <= len(prefix) || r[:len(prefix)] != prefix {
				d.Errorf("%s: panic %q does not start with %q", name, r, prefix)
			}
		default:
			d.Errorf("%s: panic value is %T (%v), not a string", name, r, r)
		}
	}()
	call()
}
