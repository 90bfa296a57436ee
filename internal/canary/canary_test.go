package canary

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"dmtrain/internal/config"
	"dmtrain/internal/mask"
	"dmtrain/internal/task/tasks"
)

// long says whether every combination is tested; skipUnlessLong skips tests that take minutes.
func long() bool { return os.Getenv("DMTRAIN_LONG") != "" }

func skipUnlessLong(t *testing.T) {
	if os.Getenv("DMTRAIN_CANARY") == "" && !long() {
		t.Skip("takes minutes; set DMTRAIN_CANARY=1 to run it")
	}
}

// alone reports on a single run, without the positive control.
func alone(t *testing.T, c config.Config, shape Shape, steps int, planted *leak) *Report {
	t.Helper()
	r := newRun(options(c), shape, steps, planted)
	if err := r.train(context.Background()); err != nil {
		t.Fatal(err)
	}
	return r.report(shape)
}

func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s, %s %d steps: %s\n", r.Structure, r.Form, r.Control, r.Text.Documents, r.Steps, r.Verdict)
	for _, c := range r.Classes {
		mark := ""
		if c.Leak {
			mark = " LEAK"
		}
		fmt.Fprintf(&b, "  %s %s %s: %d targets, %.4f − %.4f = %+.4f ± %.4f%s\n", c.Set, c.Kind, c.Class, c.Targets,
			c.Loss, c.Bound, c.D, c.SE, mark)
	}
	return b.String()
}

func pairConfig() config.Config {
	c := textConfig()
	c.Task = "seq2seq"
	c.Data.Train = []string{"builtin:dates"}
	return c
}

func someShape(c config.Config) Shape {
	if c.Task == "seq2seq" {
		return Shape{
			Documents: Geometric,
			Mean:      6,
			Source:    6,
			Letters:   8,
		}
	}
	return geometric()
}

// The canary finds a mask that shows positions their answers. It finds nothing in sound masks, but does find the
// planted leak.
func TestCanaryHears(t *testing.T) {
	c := textConfig()
	shape := someShape(c)
	r, err := Run(context.Background(), Options{
		Config: c,
		Tasks:  tasks.All(),
		Shape:  &shape,
		Steps:  100,
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict != Sound || r.Classes[0].Detects == nil {
		t.Errorf("the causal mask: %v", r)
	}
	c.Mask.Structure, c.Mask.Window = mask.StructureLookahead, 1
	if r := alone(t, c, shape, 120, nil); r.Verdict != Leaks {
		t.Errorf("a mask that looks ahead: %v", r)
	}
}

// A class of one row has no standard error, and JSON no infinity.
func TestReportsAreJSON(t *testing.T) {
	c := textConfig()
	c.Mask.Form, c.Data.Test, c.Data.TestFraction = mask.FormInfill, []string{"not there"}, 0.1
	r := newRun(options(c), someShape(c), 10, nil)
	r.tally.add(key{"train", kindSlot, classAll}, 1, 2)
	r.tally.endRow()
	if _, err := json.Marshal(r.report(someShape(c))); err != nil {
		t.Error(err)
	}
	if d := r.config.Data; d.Test != nil || d.TestFraction != 0 {
		t.Error("random text is tested on the configured one")
	}
}

// A run of too few steps is reported as too short.
func TestCanaryKnowsWhenItIsTooShort(t *testing.T) {
	c := textConfig()
	shape := someShape(c)
	r, err := Run(context.Background(), Options{
		Config: c,
		Tasks:  tasks.All(),
		Shape:  &shape,
		Steps:  8,
	})
	if err != nil || r.Verdict != TooShort {
		t.Errorf("8 steps: %v %v", r, err)
	}
}

// Every leak that the program once had is found where it is planted again, and only there.
func TestCanaryFindsPlantedLeaks(t *testing.T) {
	skipUnlessLong(t)
	form := func(c config.Config, form, structure string) config.Config {
		c.Mask.Form, c.Mask.Structure, c.Mask.Window = form, structure, 8
		return c
	}
	twoPass := form(textConfig(), mask.FormInfill, mask.StructureCausal)
	twoPass.Mask.Control, twoPass.Mask.Prob = mask.ControlTwoPass, 0.5
	twoPass.Mask.Reliability = mask.ReliabilityConfidence
	wait := form(pairConfig(), mask.FormInput, mask.StructureCausal)
	wait.Mask.Cross, wait.Model.CausalEncoder, wait.Mask.Openness = mask.CrossWaitK, true, 0
	for _, c := range []struct {
		name   string
		config config.Config
		steps  int
		leak   func() *leak
	}{
		{"ends tell, infill, causal", form(textConfig(), mask.FormInfill, mask.StructureCausal), 1500, hiddenEnds},
		{"ends tell, input, full", form(textConfig(), mask.FormInput, mask.StructureFull), 500, hiddenEnds},
		{"ends tell, infill, full", form(textConfig(), mask.FormInfill, mask.StructureFull), 500, hiddenEnds},
		{"ends tell, pairs", form(pairConfig(), mask.FormInfill, mask.StructureCausal), 1500, hiddenEnds},
		{"two_pass looks at what is hidden", twoPass, 1000, unhiddenFirstPass},
		{"wait_k by the source's length", wait, 500, sourceLength},
	} {
		t.Run(c.name, func(t *testing.T) {
			sound := alone(t, c.config, someShape(c.config), c.steps, nil)
			t.Logf("as it is: %v", sound)
			if sound.Verdict != Sound {
				t.Errorf("without the leak: %v", sound)
			}
			found := alone(t, c.config, someShape(c.config), c.steps, c.leak())
			t.Logf("planted: %v", found)
			if found.Verdict != Leaks {
				t.Errorf("with the leak: %v", found)
			}
		})
	}
}

// turn is the part of the matrix to test: the value of DMTRAIN_CANARY, or all under DMTRAIN_LONG.
func turn(i, parts int) bool {
	n, _ := strconv.Atoi(os.Getenv("DMTRAIN_CANARY"))
	return long() || i%parts == n%parts
}

// problemsOf are all that is wrong with a configuration, its task's part among it.
func problemsOf(c config.Config) []config.Problem {
	return slices.Concat(c.Problems(), tasks.All().Problems(c))
}

// holds fails unless a configuration is refused or sound.
func holds(t *testing.T, c config.Config, shape Shape, steps int) {
	t.Helper()
	c.Data.SeqLen = 32
	if c.Mask.Control == mask.ControlYoked {
		c.Mask.YokedTo = "replayed from closed to open"
	}
	if problems := problemsOf(c); len(problems) > 0 {
		t.Skipf("refused: %v", problems)
	}
	if r := alone(t, c, shape, steps, nil); r.Verdict != Sound {
		t.Error(r)
	} else if testing.Verbose() {
		t.Log(r)
	}
}

// matrixParts is the number of parts that the matrix is cut into, so that each takes minutes; matrixSteps is the
// length of each run. matrixParts is coprime to the number of shapes, so that every part has some of each shape.
const (
	matrixParts = 5
	matrixSteps = 800
)

func TestCanaryMatrix(t *testing.T) {
	skipUnlessLong(t)
	shapes := []Shape{geometric(), {
		Documents: Fixed,
		Mean:      7,
		Letters:   8,
	}, {Documents: Geometric, Mean: 2, Letters: 8}, {Documents: Single, Letters: 8}}
	i := 0
	for _, structure := range []string{mask.StructureCausal, mask.StructureFull, mask.StructurePrefix,
		mask.StructureWindow, mask.StructureBlocks, mask.StructureSinks} {
		for _, form := range []string{mask.FormNone, mask.FormInput, mask.FormInfill} {
			for _, control := range []string{mask.ControlFixed, mask.ControlLinear, mask.ControlAdaptive,
				mask.ControlInverse, mask.ControlYoked, mask.ControlTwoPass} {
				c := textConfig()
				c.Mask.Structure, c.Mask.Form, c.Mask.Control = structure, form, control
				c.Mask.Window, c.Mask.Sinks = 8, 1
				c.Mask.Prob = []float64{0.15, 0.5}[i%2]
				if control == mask.ControlTwoPass {
					c.Mask.Reliability = mask.ReliabilityConfidence
				}
				if c.Mask.Control != mask.ControlYoked && len(problemsOf(c)) > 0 {
					continue // its own tests hold it
				}
				shape := shapes[i/2%len(shapes)]
				if i++; turn(i, matrixParts) {
					t.Run(fmt.Sprintf("%s %s %s %v %s %v", structure, form, control, c.Mask.Prob, shape.Documents,
						shape.Mean), func(t *testing.T) { holds(t, c, shape, matrixSteps) })
				}
			}
		}
	}
}

func TestCanaryMatrixOfPairs(t *testing.T) {
	skipUnlessLong(t)
	i := 0
	for _, form := range []string{mask.FormNone, mask.FormInput, mask.FormInfill} {
		for _, cross := range []string{mask.CrossFull, mask.CrossWaitK} {
			for _, buckets := range []int{1, 8} {
				for _, source := range []float64{0, 0.5} {
					c := pairConfig()
					c.Mask.Form, c.Mask.Cross, c.Data.Pairs.Buckets, c.Mask.SourceProb = form, cross, buckets, source
					c.Model.CausalEncoder, c.Mask.Openness = cross == mask.CrossWaitK, 0.5
					if i++; turn(i, matrixParts) {
						t.Run(fmt.Sprintf("%s %s %d %v", form, cross, buckets, source),
							func(t *testing.T) { holds(t, c, someShape(c), matrixSteps) })
					}
				}
			}
		}
	}
}
