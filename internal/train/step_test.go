package train

import (
	"errors"
	"math"
	"testing"

	"dmtrain/internal/config"
	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/cpu"
	"dmtrain/internal/mask"
	"dmtrain/internal/recipe"
	"dmtrain/internal/task"
	"dmtrain/internal/task/fixture"
	"dmtrain/internal/task/lm"
	"dmtrain/internal/task/tasks"
)

func openCPU(t testing.TB, threads int) kernels.Backend {
	t.Helper()
	be, err := cpu.New(cpu.Options{Threads: threads})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { be.Close() })
	return be
}

// opened opens a configuration's text and makes its stepper.
func opened(t testing.TB, be kernels.Backend, c config.Config) (*stepper, *task.Text) {
	t.Helper()
	k := tasks.All().Must(c)
	text, err := k.Open(c, task.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { text.Close() })
	s, err := newStepper(be, c, k, text.Train, recipe.MaskRun(c, text.Facts(), nil))
	if err != nil {
		t.Fatal(err)
	}
	return s, text
}

func stepperOf(t testing.TB, be kernels.Backend, c config.Config, vocab int) *stepper {
	t.Helper()
	s, err := newStepper(be, c, lm.Task{}, lm.Task{}.Random(c, vocab),
		recipe.MaskRun(c, recipe.Text{Vocab: vocab, End: -1, Entropy: math.Log(float64(vocab))}, nil))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStepAllocatesNothing(t *testing.T) {
	for name, c := range map[string]config.Config{
		"static":   fixture.Tiny(),
		"input":    fixture.WithMask(mask.FormInput, mask.ControlFixed),
		"adaptive": fixture.WithMask(mask.FormInfill, mask.ControlAdaptive),
		"two pass": fixture.WithMask(mask.FormInfill, mask.ControlTwoPass),
		"dropout": func() config.Config {
			c := fixture.Tiny()
			c.Model.Dropout, c.Mask.EdgeDrop = 0.1, 0.1
			return c
		}(),
		"average": func() config.Config { c := fixture.Tiny(); c.Train.EMA = 0.99; return c }(),
		"micro":   func() config.Config { c := fixture.Tiny(); c.Train.MicroBatch = 2; return c }(),
	} {
		t.Run(name, func(t *testing.T) {
			s := stepperOf(t, openCPU(t, 2), c, 16)
			allocatesNothing(t, s, 2)
		})
	}
}

// allocatesNothing fails if steps allocate memory after warm steps.
func allocatesNothing(t *testing.T, s *stepper, warm int) {
	t.Helper()
	step := 0
	run := func() {
		if _, err := s.step(step); err != nil {
			t.Fatal(err)
		}
		step++
	}
	for range warm {
		run()
	}
	if n := testing.AllocsPerRun(10, run); n != 0 {
		t.Errorf("%v allocations a step", n)
	}
}

// together takes the same steps with two steppers, and calls compare with both results.
func together(t *testing.T, a, b *stepper, steps int, compare func(step int, ra, rb result)) {
	t.Helper()
	for step := range steps {
		ra, err := a.step(step)
		if err != nil {
			t.Fatal(err)
		}
		rb, err := b.step(step)
		if err != nil {
			t.Fatal(err)
		}
		compare(step, ra, rb)
	}
}

// near fails unless two results are equal up to the order of sums.
func near(t *testing.T, step int, got, want result) {
	t.Helper()
	if got.Supervised != want.Supervised || got.Skipped != want.Skipped ||
		!(math.Abs(got.Loss-want.Loss) <= 1e-5*want.Loss) ||
		!(math.Abs(got.GradNorm-want.GradNorm) <= 1e-4*want.GradNorm) {
		t.Errorf("step %d: %+v, want about %+v", step, got, want)
	}
}

// Micro-batches give the same step as one big batch: the same plans, and losses and gradients up to the order of sums.
func TestMicroBatchesMakeOneStep(t *testing.T) {
	whole := fixture.WithMask(mask.FormInfill, mask.ControlAdaptive)
	cut := whole
	cut.Train.MicroBatch = 2
	be := openCPU(t, 2)
	a, b := stepperOf(t, be, whole, 16), stepperOf(t, be, cut, 16)
	together(t, a, b, 5, func(step int, ra, rb result) { near(t, step, rb, ra) })
}

// Steps depend on the seed alone, to the bit: not on the number of threads, nor on earlier steps.
func TestStepsRepeat(t *testing.T) {
	c := fixture.WithMask(mask.FormInfill, mask.ControlAdaptive)
	c.Model.Dropout = 0.1
	var want []result
	for _, threads := range []int{1, 2, 3, 4} {
		s := stepperOf(t, openCPU(t, threads), c, 16)
		var got []result
		for step := range 6 {
			r, err := s.step(step)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, r)
		}
		if want == nil {
			want = got
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%d threads, step %d: %+v, with one thread %+v", threads, i, got[i], want[i])
			}
		}
	}
}

func TestLookaheadIsRefused(t *testing.T) {
	c := fixture.Tiny()
	c.Mask.Structure, c.Mask.Window = mask.StructureLookahead, 1
	_, err := stepperOf(t, openCPU(t, 1), c, 16).step(0)
	var leak *mask.Leak
	if !errors.As(err, &leak) {
		t.Errorf("got %v, want a leak", err)
	}
}

func TestStepWithoutAFiniteLossChangesNothing(t *testing.T) {
	be := openCPU(t, 1)
	s := stepperOf(t, be, fixture.Tiny(), 16)
	p := s.model.Params.All()[0]
	w := make([]float32, p.Shape.Elems())
	if err := be.Download(w, p.Value()); err != nil {
		t.Fatal(err)
	}
	w[3] = float32(math.NaN())
	be.Upload(p.Value(), w)
	before := make([]float32, s.model.Params.Len())
	after := make([]float32, s.model.Params.Len())
	if err := be.Download(before, s.model.Params.Flat()); err != nil {
		t.Fatal(err)
	}
	r, err := s.step(0)
	if err != nil || !r.Skipped {
		t.Fatalf("%+v, %v: not skipped", r, err)
	}
	if err := be.Download(after, s.model.Params.Flat()); err != nil {
		t.Fatal(err)
	}
	for i := range before {
		if math.Float32bits(before[i]) != math.Float32bits(after[i]) {
			t.Fatalf("parameter %d changed from %v to %v", i, before[i], after[i])
		}
	}
	if s.opt.Taken != 0 || s.control.Snapshot().Next != 0 {
		t.Errorf("the optimiser took %d steps, the controller waits for step %d", s.opt.Taken,
			s.control.Snapshot().Next)
	}
}

// On fresh uniformly random tokens, the loss under a sound mask stays at ln V up to sampling error. Under an
// unsound mask it must fall far below.
func TestCanary(t *testing.T) {
	const vocab, tail = 16, 50
	run := func(t *testing.T, c config.Config, steps int) (loss, bound float64) {
		s := stepperOf(t, openCPU(t, 2), c, vocab)
		n := 0
		for step := range steps {
			r, err := s.step(step)
			if err != nil {
				t.Fatal(err)
			}
			if step >= steps-tail {
				loss += r.Loss * float64(r.Supervised)
				n += r.Supervised
			}
		}
		// Each prediction was made before its token could be known, so the mean of n losses whose spread is below
		// 0.5 nats stays within five standard errors.
		return loss / float64(n), 5 * 0.5 / math.Sqrt(float64(n))
	}
	for name, c := range map[string]config.Config{
		"static":   fixture.Tiny(),
		"input":    fixture.WithMask(mask.FormInput, mask.ControlFixed),
		"infill":   fixture.WithMask(mask.FormInfill, mask.ControlFixed),
		"adaptive": fixture.WithMask(mask.FormInfill, mask.ControlAdaptive),
		"inverse":  fixture.WithMask(mask.FormInfill, mask.ControlInverse),
		"two pass": fixture.WithMask(mask.FormInfill, mask.ControlTwoPass),
	} {
		t.Run(name, func(t *testing.T) {
			if loss, bound := run(t, c, 300); loss < math.Log(vocab)-bound {
				t.Errorf("loss %.4f, below ln %d = %.4f by more than %.4f: something leaks", loss, vocab,
					math.Log(vocab), bound)
			}
		})
	}
	t.Run("unsound", func(t *testing.T) {
		c := fixture.Tiny()
		c.Mask.Structure, c.Mask.Window, c.Mask.Certify = mask.StructureLookahead, 1, false
		if loss, _ := run(t, c, 600); loss > 0.5*math.Log(vocab) {
			t.Errorf("loss %.4f: a mask that shows every answer was not found out", loss)
		}
	})
}
