//go:build cuda || cudaemu

package train

import (
	"errors"
	"math"
	"path/filepath"
	"reflect"
	"testing"

	"dmtrain/internal/checkpoint"
	"dmtrain/internal/config"
	"dmtrain/internal/gpu"
	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/cuda"
	"dmtrain/internal/mask"
)

// openDevice opens the device there is, real or emulated.
func openDevice(t *testing.T) kernels.Backend {
	t.Helper()
	be, err := cuda.Open(0, cuda.Options{})
	if errors.Is(err, gpu.ErrUnavailable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { be.Close() })
	return be
}

// small is as little as has every part: an emulated device takes a second for what a CPU does in a millisecond.
func small(form, control string) config.Config {
	c := withMask(form, control)
	c.Model.Layers, c.Train.BatchSize = 1, 4
	return c
}

// Twenty steps on a device see the same masks, bit for bit, and come to the same losses as on the CPU, up to rounding.
func TestStepsOnDevice(t *testing.T) {
	be, host := openDevice(t), openCPU(t, 2)
	dropping := small(mask.FormInput, mask.ControlLinear)
	dropping.Model.Dropout, dropping.Mask.EdgeDrop, dropping.Train.MicroBatch = 0.1, 0.1, 2
	for name, c := range map[string]config.Config{
		"static":           small(mask.FormNone, mask.ControlFixed),
		"input, dropping":  dropping,
		"infill, adaptive": small(mask.FormInfill, mask.ControlAdaptive),
	} {
		t.Run(name, func(t *testing.T) {
			a, b := stepperOf(t, be, c, 16), stepperOf(t, host, c, 16)
			for step := range 20 {
				got, err := a.step(step)
				if err != nil {
					t.Fatal(err)
				}
				want, err := b.step(step)
				if err != nil {
					t.Fatal(err)
				}
				if !(math.Abs(got.Loss-want.Loss) <= 1e-5*want.Loss) || got.Supervised != want.Supervised || got.Skipped {
					t.Errorf("step %d: %+v, on the CPU %+v", step, got, want)
				}
				for i, m := range a.micro {
					if !reflect.DeepEqual(m.plan, b.micro[i].plan) {
						t.Errorf("step %d: the masks of micro-batch %d differ", step, i)
					}
				}
			}
		})
	}
}

// A run begun on one device goes on upon another, and ends where it would have on its own, up to rounding.
func TestRunsMoveBetweenDevices(t *testing.T) {
	openDevice(t)
	c := small(mask.FormInfill, mask.ControlAdaptive)
	c.Train.Steps, c.Train.EvalEvery, c.Train.EvalBatches, c.Train.SaveEvery = 8, 0, 1, 4
	c.Data.Tokenizer.Kind = "char"
	train := func(first, second string) []float32 {
		c := runConfig(t, c)
		c.Device = first
		mustRun(t, quiet(c, Options{Until: 4}))
		c.Device = second
		mustRun(t, quiet(c, Options{Resume: true}))
		return savedParameters(t, filepath.Join(c.Run.Dir, "last"))
	}
	want := train("cpu", "cpu")
	for _, way := range [][2]string{{"cpu", "cuda"}, {"cuda", "cpu"}} {
		got := train(way[0], way[1])
		if apart := distance(got, want); !(apart <= 1e-4) {
			t.Errorf("from %s to %s: parameters are %v of their norm apart from those of the CPU alone", way[0], way[1], apart)
		}
	}
}

// savedParameters are all tensors of a checkpoint's model, in the file's order.
func savedParameters(t *testing.T, dir string) []float32 {
	t.Helper()
	saved, err := checkpoint.OpenTensors(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer saved.Close()
	var all []float32
	for _, info := range saved.Infos() {
		v, err := saved.Float32s(info.Name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v...)
	}
	return all
}

// distance is |a − b| / |b|.
func distance(a, b []float32) float64 {
	apart, norm := 0.0, 0.0
	for i := range b {
		apart += math.Pow(float64(a[i])-float64(b[i]), 2)
		norm += math.Pow(float64(b[i]), 2)
	}
	return math.Sqrt(apart / norm)
}
