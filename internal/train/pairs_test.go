package train

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"dmtrain/internal/config"
	"dmtrain/internal/kernels"
	"dmtrain/internal/task/fixture"
)

func inRun(t *testing.T, c config.Config) config.Config {
	t.Helper()
	c.Run.Dir = filepath.Join(t.TempDir(), "run")
	return c
}

func TestPairsResumeExactly(t *testing.T) {
	for name, c := range map[string]config.Config{"infill": fixture.Pairs(), "wait_k": fixture.Waiting()} {
		t.Run(name, func(t *testing.T) {
			whole := inRun(t, c)
			mustRun(t, quiet(whole, Options{}))
			want, optimizer := outcomeOf(t, whole), fileOf(t, whole, "optimizer.safetensors")
			for _, until := range []int{1, 8, 13, 23} {
				cut := inRun(t, c)
				mustRun(t, quiet(cut, Options{Until: until}))
				mustRun(t, quiet(cut, Options{Resume: true}))
				want.equals(t, outcomeOf(t, cut))
				if !bytes.Equal(optimizer, fileOf(t, cut, "optimizer.safetensors")) {
					t.Errorf("cut at step %d: what training goes on from differs", until)
				}
			}
		})
	}
}

func TestThreadsChangeNothingOfPairs(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	c := inRun(t, fixture.Pairs())
	mustRun(t, quiet(c, Options{}))
	want := outcomeOf(t, c)
	for _, n := range []int{1, 2, 4} {
		runtime.GOMAXPROCS(n)
		c := inRun(t, c)
		mustRun(t, quiet(c, Options{}))
		want.equals(t, outcomeOf(t, c))
	}
}

func TestKilledRunsOfPairsResume(t *testing.T) {
	kills := 2
	if os.Getenv("DMTRAIN_LONG") != "" {
		kills = 10
	}
	c := inRun(t, fixture.Pairs())
	c.Train.Steps, c.Train.SaveEvery, c.Train.Keep = 60, 3, 2
	resumesAfter(t, c, kills)
}

func pairStepper(t *testing.T, be kernels.Backend, c config.Config) *stepper {
	t.Helper()
	s, _ := opened(t, be, c)
	return s
}

func TestStepOfPairsAllocatesNothing(t *testing.T) {
	for name, c := range map[string]config.Config{"infill": fixture.Pairs(), "wait_k": fixture.Waiting()} {
		t.Run(name, func(t *testing.T) {
			// an epoch of more steps than the test takes
			c.Data.Train, c.Train.MicroBatch = []string{"builtin:dates?n=1000"}, 2
			s := pairStepper(t, openCPU(t, 2), c)
			allocatesNothing(t, s, 40) // until every shape has been seen
		})
	}
}

// Micro-batches of pairs, the last of which may have rows without a pair, hide the same tokens and give the same
// step as one big batch, up to the order of sums.
func TestMicroBatchesOfPairsMakeOneStep(t *testing.T) {
	for name, whole := range map[string]config.Config{"infill": fixture.Pairs(), "wait_k": fixture.Waiting()} {
		t.Run(name, func(t *testing.T) {
			cut := whole
			cut.Train.MicroBatch = 2
			be := openCPU(t, 2)
			a, b := pairStepper(t, be, whole), pairStepper(t, be, cut)
			together(t, a, b, 6, func(step int, ra, rb result) {
				near(t, step, rb, ra)
				if ha, hb := hiddenOf(a), hiddenOf(b); !strings.HasPrefix(hb, ha) {
					t.Errorf("step %d: other tokens are hidden:\n%s\n%s", step, ha, hb)
				}
			})
		})
	}
}

// hiddenOf lists the hidden tokens of the last step, row by row.
func hiddenOf(s *stepper) string {
	var b strings.Builder
	for _, m := range s.micro {
		for _, h := range m.plan.Hidden {
			b.WriteByte('0' + h)
		}
	}
	return b.String()
}
