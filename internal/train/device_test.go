//go:build cuda || cudaemu

package train

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"dmtrain/internal/checkpoint"
	"dmtrain/internal/config"
	"dmtrain/internal/gpu"
	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/cuda"
	"dmtrain/internal/mask"
	"dmtrain/internal/saved"
	"dmtrain/internal/task/fixture"
	"dmtrain/internal/task/tasks"
)

// deviceOrSkip opens the device there is, real or emulated.
func deviceOrSkip(t *testing.T) kernels.Backend {
	t.Helper()
	be := deviceIfAny(t)
	if be == nil {
		t.Skip("no device here")
	}
	return be
}

// emulated says that the device is emulated, with the driver or beneath it, and so always there.
var emulated = gpu.DriverName == gpu.Emulation || strings.Contains(os.Getenv("DMTRAIN_LIBCUDA"), "emulated")

// deviceIfAny is deviceOrSkip, and nil where there is none.
func deviceIfAny(t *testing.T) kernels.Backend {
	t.Helper()
	be, err := cuda.Open(0, cuda.Options{})
	if errors.Is(err, gpu.ErrUnavailable) && !emulated {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { be.Close() })
	return be
}

// stepsOnDevice is n steps, or on an emulated device, which takes a second for each, a third of them.
func stepsOnDevice(n int) int {
	if emulated {
		return n / 3
	}
	return n
}

// small is as little as has every part: an emulated device takes a second for what a CPU does in a millisecond.
func small(form, control string) config.Config {
	c := fixture.WithMask(form, control)
	c.Model.Layers, c.Train.BatchSize = 1, 4
	return c
}

// Steps on a device see the same masks, bit for bit, and come to the same losses as on the CPU, up to rounding.
func TestStepsOnDevice(t *testing.T) {
	be, host := deviceOrSkip(t), openCPU(t, 2)
	dropping := small(mask.FormInput, mask.ControlLinear)
	dropping.Model.Dropout, dropping.Mask.EdgeDrop, dropping.Train.MicroBatch = 0.1, 0.1, 2
	for name, c := range map[string]config.Config{
		"static":           small(mask.FormNone, mask.ControlFixed),
		"input, dropping":  dropping,
		"infill, adaptive": small(mask.FormInfill, mask.ControlAdaptive),
	} {
		t.Run(name, func(t *testing.T) {
			a, b := stepperOf(t, be, c, 16), stepperOf(t, host, c, 16)
			together(t, a, b, stepsOnDevice(20), func(step int, got, want result) {
				near(t, step, got, want)
				if got.Skipped {
					t.Errorf("step %d was skipped", step)
				}
				for i, m := range a.micro {
					if !reflect.DeepEqual(m.plan, b.micro[i].plan) {
						t.Errorf("step %d: the masks of micro-batch %d differ", step, i)
					}
				}
			})
		})
	}
}

// A run begun on one device goes on upon another, and ends where it would have on its own, up to rounding.
func TestRunsMoveBetweenDevices(t *testing.T) {
	deviceOrSkip(t)
	c := small(mask.FormInfill, mask.ControlAdaptive)
	c.Data.ValidFraction = 0.02
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
			t.Errorf("from %s to %s: parameters are %v of their norm apart from those of the CPU alone", way[0],
				way[1], apart)
		}
	}
}

// A run in bfloat16, the average of its parameters included, is resumed to the bit, and its model is one that the
// CPU computes with in float32.
func TestBFloat16RunsResumeExactly(t *testing.T) {
	deviceOrSkip(t)
	c := in16(small(mask.FormInput, mask.ControlLinear))
	c.Device, c.Train.EMA, c.Data.ValidFraction = "cuda", 0.9, 0.02
	c.Train.Steps, c.Train.EvalEvery, c.Train.EvalBatches, c.Train.SaveEvery = 6, 3, 1, 3
	c.Data.Tokenizer.Kind = "char"
	whole, cut := runConfig(t, c), runConfig(t, c)
	mustRun(t, quiet(whole, Options{}))
	mustRun(t, quiet(cut, Options{Until: 3}))
	mustRun(t, quiet(cut, Options{Resume: true}))
	if !bytes.Equal(fileOf(t, whole, "model.safetensors"), fileOf(t, cut, "model.safetensors")) {
		t.Error("the resumed run's model differs")
	}
	l, err := saved.Load(saved.Ref{Run: whole.Run.Dir, Device: "cpu"}, tasks.All())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// plainCalls is a backend without what it might offer besides the contract.
type plainCalls struct{ kernels.Backend }

// refusing is a backend on which no call can be captured.
type refusing struct{ kernels.Backend }

func (refusing) Capture(func()) (kernels.Captured, error) { return nil, errors.New("not today") }

// Steps replayed as one leave the bits of steps whose every kernel is launched, and steps that can't be are launched.
func TestCapturedStepsHaveTheSameBits(t *testing.T) {
	be := deviceOrSkip(t)
	if _, ok := be.(kernels.Capturer); !ok {
		t.Fatal("the device captures nothing")
	}
	for name, c := range map[string]config.Config{
		"lm":      restless(),
		"bf16":    in16(restless()),
		"seq2seq": restlessPairs(),
	} {
		t.Run(name, func(t *testing.T) {
			steps := stepsOnDevice(20)
			launched := stepperFor(t, plainCalls{be}, c)
			want := take(t, launched, steps)
			for name, be := range map[string]kernels.Backend{"captured": be, "refusing": refusing{be}} {
				s := stepperFor(t, be, c)
				if got := take(t, s, steps); !slices.Equal(got, want) {
					t.Errorf("%s: %+v, launch by launch %+v", name, got, want)
				}
				if !slices.Equal(parametersOf(t, s), parametersOf(t, launched)) {
					t.Errorf("%s: the parameters differ from those of steps launch by launch", name)
				}
			}
		})
	}
}

// Steps on a device allocate nothing on the host either.
func TestStepOnDeviceAllocatesNothing(t *testing.T) {
	be := deviceOrSkip(t)
	for name, c := range map[string]config.Config{
		"lm":      restless(),
		"bf16":    in16(restless()),
		"seq2seq": restlessPairs(),
	} {
		t.Run(name, func(t *testing.T) { allocatesNothing(t, stepperFor(t, be, c), stepsOnDevice(10)) })
	}
}

// parametersOf are a stepper's parameters, padding included.
func parametersOf(t *testing.T, s *stepper) []float32 {
	t.Helper()
	v := make([]float32, s.model.Params.Len())
	if err := s.be.Download(v, s.model.Params.Flat()); err != nil {
		t.Fatal(err)
	}
	return v
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
