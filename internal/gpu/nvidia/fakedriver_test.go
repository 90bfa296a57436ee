//go:build cuda && !cudaemu

package nvidia_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"unsafe"

	"dmtrain/internal/gpu"
)

// emulation says what machine the emulated driver (package fakedriver) is to be, for programs that load it.
const emulation = "DMTRAIN_EMULATE"

// onEmulatedDriver skips a test that needs the emulated driver.
func onEmulatedDriver(t *testing.T) {
	t.Helper()
	if !strings.Contains(os.Getenv("DMTRAIN_LIBCUDA"), "emulated") {
		t.Skip("DMTRAIN_LIBCUDA names no emulated driver (scripts/build-emulated-driver.sh)")
	}
}

// What is wrong with a machine is said in words that tell what would be right.
func TestMachinesWithoutAUsableGPU(t *testing.T) {
	onEmulatedDriver(t)
	for machine, want := range map[string]string{
		"no-device":  "the NVIDIA driver finds no device",
		"old-driver": "the NVIDIA driver supports CUDA 11.4, the kernels need 11.8 (driver 520 or later)",
		"old-card":   "emulated driver has compute capability 7.5, the kernels need 8.0",
	} {
		t.Setenv(emulation, machine)
		_, err := gpu.Open(0, nil)
		if !errors.Is(err, gpu.ErrUnavailable) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", machine, err, want)
		}
	}
}

func TestMemoryOfADeviceIsLimited(t *testing.T) {
	onEmulatedDriver(t)
	t.Setenv(emulation, "small-memory")
	d, err := gpu.Open(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	_, err = d.Alloc(1 << 30)
	var full *gpu.OutOfMemory
	if !errors.As(err, &full) || full.Asked != 1<<30 || full.Free > full.Total || full.Total != 96<<20 {
		t.Errorf("a GiB of 96 MiB: %v", err)
	}
	if p, err := d.Alloc(1 << 20); err != nil {
		t.Errorf("a MiB after that: %v", err)
	} else {
		d.Free(p)
	}
}

// Uploads may be called again at once with the same host memory, many times what the staging buffer holds, and come
// out in order.
func TestUploadsDoNotWaitAndDoNotMix(t *testing.T) {
	onEmulatedDriver(t)
	d, err := gpu.Open(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	const n, rounds = 3 << 20, 20
	at, err := d.Alloc(n * rounds)
	if err != nil {
		t.Fatal(err)
	}
	host := make([]byte, n)
	for r := range rounds {
		for i := range host {
			host[i] = byte(r + i%251)
		}
		d.Write(at+gpu.Ptr(r*n), unsafe.Pointer(&host[0]), n)
	}
	for r := range rounds {
		if err := d.Read(unsafe.Pointer(&host[0]), at+gpu.Ptr(r*n), n); err != nil {
			t.Fatal(err)
		}
		for i := range host {
			if host[i] != byte(r+i%251) {
				t.Fatalf("upload %d: byte %d is %d, want %d", r, i, host[i], byte(r+i%251))
			}
		}
	}
}

// A launch that the device refuses, and a kernel that faults, are told by name; after a fault the device is lost.
func TestFaultsNameTheKernel(t *testing.T) {
	onEmulatedDriver(t)
	ptx, err := os.ReadFile("../../kernels/cuda/ptx/elementwise.ptx")
	if err != nil {
		t.Fatal(err)
	}
	d, err := gpu.Open(0, []gpu.Module{{Name: "elementwise", PTX: string(ptx)}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := d.Alloc(64)
	if err != nil {
		t.Fatal(err)
	}
	scale := func(grid gpu.Dim, from gpu.Ptr, n uint64) {
		d.Launch("scale_f32", grid, 256, 0, uint64(p), uint64(from), n, gpu.Float(2), 0)
	}
	scale(gpu.Dim{X: 1, Y: 70000, Z: 1}, p, 4)
	if err := d.Sync(); err == nil || !strings.Contains(err.Error(), "kernel scale_f32, grid (1,70000,1)") {
		t.Errorf("too tall a grid: %v", err)
	}
	for _, uploads := range []int{0, 2 * 64} { // which wait for the kernel in the end
		scale(gpu.Dim{X: 1, Y: 1, Z: 1}, p+1<<40, 256)
		for range uploads {
			d.Write(p, unsafe.Pointer(&ptx[0]), 4)
		}
		if err := d.Sync(); err == nil || !strings.Contains(err.Error(), "scale_f32") {
			t.Errorf("a kernel that reads where nothing is: %v", err)
		}
	}
	d.Close()
}
