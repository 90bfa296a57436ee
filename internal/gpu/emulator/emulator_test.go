//go:build cudaemu

package emulator_test

import (
	"errors"
	"strings"
	"testing"
	"unsafe"

	"dmtrain/internal/gpu"
	"dmtrain/internal/gpu/emulator"
)

func openTest(t *testing.T) *gpu.Device {
	t.Helper()
	d, err := gpu.Open(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func alloc(t *testing.T, d *gpu.Device, bytes int64) gpu.Ptr {
	t.Helper()
	p, err := d.Alloc(bytes)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Free(p) })
	return p
}

func one(n int) gpu.Dim { return gpu.Dim{X: n, Y: 1, Z: 1} }

func TestSoundKernelRunsUnderEverySeed(t *testing.T) {
	d := openTest(t)
	out := alloc(t, d, 2*64*4)
	for seed := range uint64(20) {
		emulator.Seed(seed)
		d.Set(out, 0xff, 2*64*4)
		d.Launch("faulty_none", one(2), 64, 0, uint64(out))
		var got [128]float32
		if err := d.Read(unsafe.Pointer(&got), out, len(got)*4); err != nil {
			t.Fatal(err)
		}
		for i, v := range got {
			if v != float32(63-i%64) {
				t.Fatalf("seed %d: out[%d] = %v", seed, i, v)
			}
		}
	}
}

// Each planted fault is reported with its kernel, a block and a thread, and what is wrong, whatever the order of
// threads.
func TestPlantedFaultsAreReported(t *testing.T) {
	d := openTest(t)
	out, in := alloc(t, d, 64*4), alloc(t, d, 512)
	for _, c := range []struct {
		kernel          string
		blocks, threads int
		shared          int
		args            []uint64
		want            string
	}{
		{"faulty_no_barrier", 1, 64, 0, []uint64{uint64(out)}, "shared memory"},
		{"faulty_no_syncwarp", 1, 32, 0, []uint64{uint64(out)}, "shared memory"},
		{"faulty_overwrite", 1, 64, 0, []uint64{uint64(out)}, "with no barrier between"},
		{"faulty_write_past_end", 2, 64, 0, []uint64{uint64(out), 64},
			"write of 4 bytes that end 4 bytes past a buffer of 256 bytes"},
		{"faulty_read_past_end", 1, 64, 0, []uint64{uint64(in), uint64(out) + 4, 63},
			"read of 4 bytes that end 4 bytes past a buffer of 256 bytes"},
		{"faulty_uninitialised", 1, 64, 0, []uint64{uint64(out)},
			"thread (17,0,0): read of 4 bytes of static shared memory at byte"},
		{"faulty_shared_past_end", 1, 64, 256, []uint64{uint64(out)},
			"thread (63,0,0): write of 4 bytes of shared memory at byte 256 of 256"},
		{"faulty_divergent_barrier", 1, 64, 0, []uint64{uint64(out)}, "faulty.h:"},
		{"faulty_lost_lane", 1, 64, 0, []uint64{uint64(out)},
			"waits at shuffle, but thread (40,0,0) has left the kernel"},
		{"faulty_between_blocks", 2, 64, 0, []uint64{uint64(out)}, "which another block of the same launch wrote"},
		{"faulty_misaligned", 1, 32, 0, []uint64{uint64(out)}, "not aligned"},
		{"faulty_no_wait", 1, 32, 0, []uint64{uint64(out), uint64(in)}, "which nothing has written"},
		{"faulty_null", 1, 32, 0, []uint64{0}, "no device memory"},
	} {
		for seed := range uint64(10) {
			emulator.Seed(seed)
			d.Launch(c.kernel, one(c.blocks), c.threads, c.shared, c.args...)
			err := d.Sync()
			if err == nil {
				t.Fatalf("%s under seed %d: no fault", c.kernel, seed)
			}
			for _, want := range []string{c.kernel, "block (", "thread (", c.want} {
				if !strings.Contains(err.Error(), want) {
					t.Fatalf("%s under seed %d: %v, without %q", c.kernel, seed, err, want)
				}
			}
			if seed == 0 {
				t.Log(err)
			}
		}
	}
}

func TestSkippedBarrierIsMissed(t *testing.T) {
	d := openTest(t)
	out := alloc(t, d, 64*4)
	d.Launch("faulty_none", one(1), 64, 0, uint64(out))
	if err := d.Sync(); err != nil {
		t.Fatal(err)
	}
	for _, site := range emulator.Barriers() {
		emulator.SkipBarrier(site)
		d.Launch("faulty_none", one(1), 64, 0, uint64(out))
		if err := d.Sync(); err != nil {
			emulator.SkipBarrier("")
			return
		}
	}
	emulator.SkipBarrier("")
	t.Error("no barrier of faulty_none was missed")
}

func TestWrongLaunches(t *testing.T) {
	d := openTest(t)
	out := alloc(t, d, 64*4)
	for _, c := range []struct {
		name   string
		launch func()
		want   string
	}{
		{"threads", func() { d.Launch("faulty_none", one(1), 32, 0, uint64(out)) },
			"launched with 32 threads a block, written for 64"},
		{"arguments", func() { d.Launch("faulty_none", one(1), 64, 0) }, "launched with 0 arguments, takes 1"},
		{"grid", func() { d.Launch("faulty_none", one(0), 64, 0, uint64(out)) }, "a grid of (0,1,1) blocks"},
		{"shared memory", func() { d.Launch("faulty_none", one(1), 64, 100<<10, uint64(out)) },
			"102400 bytes of shared memory"},
		{"name", func() { d.Launch("nothing", one(1), 64, 0) }, "no kernel nothing"},
		{"freed", func() {
			p, _ := d.Alloc(256)
			d.Free(p)
			d.Launch("faulty_none", one(1), 64, 0, uint64(p))
		}, "in a freed buffer of 256 bytes"},
		{"copy", func() { d.Copy(out, out+4, 256) }, "outside a live buffer"},
	} {
		c.launch()
		if err := d.Sync(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestFaultIsStickyUntilSync(t *testing.T) {
	d := openTest(t)
	out := alloc(t, d, 64*4)
	d.Launch("faulty_null", one(1), 32, 0, 0)
	d.Set(out, 1, 256)
	if err := d.Sync(); err == nil || !strings.Contains(err.Error(), "faulty_null") {
		t.Errorf("Sync: %v", err)
	}
	if err := d.Sync(); err != nil {
		t.Errorf("second Sync: %v", err)
	}
	var got [64]int32
	if err := d.Read(unsafe.Pointer(&got), out, 256); err != nil || got[0] != 0 {
		t.Errorf("work after the fault was done: %x, %v", got[0], err)
	}
}

func TestOutOfMemorySaysWhatWasAsked(t *testing.T) {
	d := openTest(t)
	_, err := d.Alloc(1 << 40)
	var oom *gpu.OutOfMemory
	if !errors.As(err, &oom) || oom.Asked != 1<<40 || oom.Total != 8<<30 {
		t.Errorf("Alloc: %v", err)
	}
}

func TestGraphReplaysWhatWasCaptured(t *testing.T) {
	d := openTest(t)
	out := alloc(t, d, 64*4)
	g, err := d.Capture(func() {
		d.Set(out, 0, 256)
		d.Launch("faulty_none", one(1), 64, 0, uint64(out))
	})
	if err != nil {
		t.Fatal(err)
	}
	var got [64]float32
	read := func() float32 {
		if err := d.Read(unsafe.Pointer(&got), out, 256); err != nil {
			t.Fatal(err)
		}
		return got[0]
	}
	if v := read(); v != 0 {
		t.Errorf("capturing already did the work: %v", v)
	}
	for range 2 {
		d.Set(out, 0xff, 256)
		g.Replay()
		if v := read(); v != 63 {
			t.Errorf("replayed: %v, want 63", v)
		}
	}
	g.Free()
	if _, err := d.Capture(func() { d.Write(out, unsafe.Pointer(&got), 4) }); err == nil {
		t.Error("a copy from the host was captured")
	}
}
