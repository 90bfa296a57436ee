//go:build cuda && !cudaemu

package nvidia_test

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"dmtrain/internal/gpu"
	"dmtrain/internal/gpu/driver"
	"dmtrain/internal/gpu/nvidia"
)

// library names the device's library of matrix products.
const library = "DMTRAIN_CUBLASLT"

// fakeBLAS builds testdata's cuBLASLt and lets devices find it.
func fakeBLAS(t *testing.T) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "libcublasLt.so")
	if out, err := exec.Command("cc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", path, "testdata/cublaslt.c",
		"-ldl").CombinedOutput(); err != nil {
		t.Fatalf("cc: %v\n%s", err, out)
	}
	t.Setenv(library, path)
}

// openFakeBLAS opens a device and that library on it.
func openFakeBLAS(t *testing.T) (*gpu.Device, *gpu.BLAS) {
	t.Helper()
	onEmulatedDriver(t)
	fakeBLAS(t)
	d, err := gpu.Open(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	b, err := d.BLAS()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return d, b
}

// Products come out as their definition says for every transposition, type, bias and addend.
func TestProductsThroughCuBLASLt(t *testing.T) {
	d, b := openFakeBLAS(t)
	if !strings.HasPrefix(b.Name(), "cuBLASLt (") {
		t.Errorf("it is called %s", b.Name())
	}
	for bits := range 1 << 6 {
		p := gpu.MatMul{
			M:      5,
			N:      7,
			K:      3,
			TransA: bits&1 > 0,
			TransB: bits&2 > 0,
			BF16:   bits&4 > 0,
			BF16C:  bits&12 == 12,
		}
		if bits&12 == 8 {
			continue // float32 operands have no bfloat16 product
		}
		for range 2 {
			checkProduct(t, d, b, p, bits&16 > 0, bits&32 > 0)
		}
	}
}

// An algorithm is chosen once a shape.
func TestOnePlanAShape(t *testing.T) {
	onEmulatedDriver(t)
	fakeBLAS(t)
	d, err := nvidia.Open(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	b, err := d.OpenBLAS()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	at, err := d.Alloc(4096)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for n := range 3 {
			if err := b.MatMul(driver.MatMul{
				A: at,
				B: at + 1024,
				C: at + 2048,
				M: 2,
				N: n + 1,
				K: 4,
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := nvidia.Plans(b); got != 3 {
		t.Errorf("%d plans for 3 shapes", got)
	}
}

// numbers are n small multiples of 1/8, which bfloat16 holds exactly, on the device and on the host.
func numbers(t *testing.T, d *gpu.Device, n, seed int, low bool) (gpu.Ptr, []float32) {
	t.Helper()
	at, err := d.Alloc(int64(4 * n))
	if err != nil {
		t.Fatal(err)
	}
	host, short := make([]float32, n), make([]uint16, n)
	for i := range host {
		host[i] = float32((i*7+seed*5)%23-11) / 8
		short[i] = uint16(math.Float32bits(host[i]) >> 16)
	}
	if low {
		d.Write(at, unsafe.Pointer(&short[0]), 2*n)
	} else {
		d.Write(at, unsafe.Pointer(&host[0]), 4*n)
	}
	return at, host
}

func checkProduct(t *testing.T, d *gpu.Device, b *gpu.BLAS, p gpu.MatMul, bias, add bool) {
	t.Helper()
	var x, y, extra, term []float32
	p.A, x = numbers(t, d, p.M*p.K, 1, p.BF16)
	p.B, y = numbers(t, d, p.K*p.N, 2, p.BF16)
	p.C, _ = numbers(t, d, p.M*p.N, 3, p.BF16C)
	if bias {
		p.Bias, term = numbers(t, d, p.N, 4, p.BF16C)
	}
	if add {
		p.Add, extra = numbers(t, d, p.M*p.N, 5, p.BF16C)
	}
	b.MatMul(p)
	got := make([]byte, 4*p.M*p.N)
	if err := d.Read(unsafe.Pointer(&got[0]), p.C, len(got)); err != nil {
		t.Fatalf("%+v: %v", p, err)
	}
	for i := range p.M {
		for j := range p.N {
			want := float32(0)
			for k := range p.K {
				want += x[place(p.TransA, i, k, p.M, p.K)] * y[place(p.TransB, k, j, p.K, p.N)]
			}
			n := i*p.N + j
			if bias {
				want += term[j]
			}
			if add {
				want += extra[n]
			}
			have, slack := math.Float32frombits(*(*uint32)(unsafe.Pointer(&got[4*(n%(p.M*p.N))]))), float32(0)
			if p.BF16C {
				have, slack = math.Float32frombits(uint32(*(*uint16)(unsafe.Pointer(&got[2*n])))<<16), 0x1p-8
			}
			if diff := have - want; diff > slack*abs(want) || -diff > slack*abs(want) {
				t.Fatalf("%s: (%d, %d) is %v, want %v", name(p, bias, add), i, j, have, want)
			}
		}
	}
	for _, at := range []gpu.Ptr{p.A, p.B, p.C, p.Bias, p.Add} {
		if at != 0 {
			d.Free(at)
		}
	}
}

// A product that was captured is computed anew at each replay, from what its operands hold then.
func TestCapturedProducts(t *testing.T) {
	d, b := openFakeBLAS(t)
	p := gpu.MatMul{M: 1, N: 1, K: 1}
	p.A, _ = numbers(t, d, 1, 1, false)
	p.B, _ = numbers(t, d, 1, 2, false)
	p.C, _ = numbers(t, d, 1, 3, false)
	p.Bias, _ = numbers(t, d, 1, 4, false)
	b.MatMul(p) // makes the plan
	g, err := d.Capture(func() { b.MatMul(p) })
	if err != nil {
		t.Fatal(err)
	}
	defer g.Free()
	for i := range 3 {
		for at, v := range map[gpu.Ptr]float32{p.A: float32(i), p.B: 3, p.Bias: 0.5} {
			d.Write(at, unsafe.Pointer(&v), 4)
		}
		g.Replay()
		var got float32
		if err := d.Read(unsafe.Pointer(&got), p.C, 4); err != nil || got != float32(3*i)+0.5 {
			t.Errorf("replay %d: 3·%d + ½ is %v (%v)", i, i, got, err)
		}
	}
}

// place is where element (i, j) of a rows×cols matrix lies.
func place(transposed bool, i, j, rows, cols int) int {
	if transposed {
		return j*rows + i
	}
	return i*cols + j
}

func abs(x float32) float32 { return float32(math.Abs(float64(x))) }

func name(p gpu.MatMul, bias, add bool) string {
	return fmt.Sprintf("%d×%d×%d, transposed %t %t, bf16 %t %t, bias %t, add %t", p.M, p.N, p.K, p.TransA, p.TransB,
		p.BF16, p.BF16C, bias, add)
}

// Without a library, or with one that is none, the device says where it looked.
func TestNoCuBLASLt(t *testing.T) {
	onEmulatedDriver(t)
	d, err := gpu.Open(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	t.Setenv(library, filepath.Join(t.TempDir(), "missing.so"))
	if _, err := d.BLAS(); err == nil || !strings.Contains(err.Error(), "no cuBLASLt: DMTRAIN_CUBLASLT: ") {
		t.Errorf("a missing library: %v", err)
	}
	t.Setenv(library, os.Getenv("DMTRAIN_LIBCUDA"))
	if _, err := d.BLAS(); err == nil || !strings.Contains(err.Error(), "it has no cublasLtCreate") {
		t.Errorf("another library: %v", err)
	}
}
