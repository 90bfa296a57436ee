package train

import (
	"math"
	"slices"
	"strings"
	"testing"

	"dmtrain/internal/config"
	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/ref"
	"dmtrain/internal/mask"
	"dmtrain/internal/recipe"
	"dmtrain/internal/task/fixture"
)

// lowBackends compute on bfloat16.
func lowBackends(t *testing.T) map[string]kernels.Backend {
	all := map[string]kernels.Backend{"ref": ref.New()}
	if be := deviceIfAny(t); be != nil {
		all["device"] = be
	}
	return all
}

// lowVocab is the vocabulary of these tests' random texts: not one that bfloat16 logits' rows have without columns
// more.
const lowVocab = 13

// restless is a configuration whose steps draw everything that can be drawn: hidden tokens, dropped edges, dropout,
// in two micro-batches.
func restless() config.Config {
	c := fixture.WithMask(mask.FormInput, mask.ControlAdaptive)
	c.Mask.Fill, c.Mask.EdgeDrop, c.Model.Dropout = mask.FillLearned, 0.1, 0.1
	c.Train.BatchSize, c.Train.MicroBatch = 4, 2
	return c
}

// restlessPairs is restless for pairs of texts.
func restlessPairs() config.Config {
	c := restless()
	c.Task, c.Data.SeqLen, c.Data.Train = "seq2seq", 48, []string{"builtin:dates?n=60"}
	c.Data.Pairs.Buckets, c.Data.Pairs.BatchTokens, c.Model.Layers = 2, 160, 1
	return c
}

// stepperFor builds what steps of a configuration's task need.
func stepperFor(t *testing.T, be kernels.Backend, c config.Config) *stepper {
	t.Helper()
	if c.Task != "seq2seq" {
		return stepperOf(t, be, c, lowVocab)
	}
	return pairStepper(t, be, c)
}

// take takes the first n steps.
func take(t *testing.T, s *stepper, n int) []result {
	t.Helper()
	var all []result
	for step := range n {
		r, err := s.step(step)
		if err != nil {
			t.Fatal(err)
		}
		if r.Skipped {
			t.Fatalf("step %d was skipped: %+v", step, r)
		}
		all = append(all, r)
	}
	return all
}

func in16(c config.Config) config.Config {
	c.Precision = config.BF16
	return c
}

// unit is what rounding to bfloat16, which has 8 significant bits, changes a number by at most, relative to it.
const unit = 0x1p-8

// A step's loss is a mean of per-token losses whose logits are rounded by one unit at most each, and of a model
// whose weights are. Roundings of different tokens are independent and average out, and what the gradients'
// roundings move the two models apart stays below them for some time. So losses stay within a unit of each other,
// relative.
func TestBFloat16LossesStayNearFloat32(t *testing.T) {
	for name, be := range lowBackends(t) {
		for task, c := range map[string]config.Config{"lm": restless(), "seq2seq": restlessPairs()} {
			t.Run(name+"/"+task, func(t *testing.T) {
				steps := 20
				if name == "device" {
					steps = stepsOnDevice(steps)
				}
				full, low := take(t, stepperFor(t, be, c), steps), take(t, stepperFor(t, be, in16(c)), steps)
				same := true
				for i := range full {
					if d := math.Abs(low[i].Loss-full[i].Loss) / full[i].Loss; !(d <= unit) {
						t.Errorf("step %d: loss %v, in float32 %v", i, low[i].Loss, full[i].Loss)
					}
					same = same && low[i].Loss == full[i].Loss
				}
				if same {
					t.Error("both precisions have the same bits: nothing was computed in bfloat16")
				}
			})
		}
	}
}

// The rows that the embedding has room for behind the vocabulary are no parameters: training leaves them 0.
func TestRowsBehindTheVocabularyStayZero(t *testing.T) {
	for name, be := range lowBackends(t) {
		for task, c := range map[string]config.Config{"lm": restless(), "seq2seq": restlessPairs()} {
			t.Run(name+"/"+task, func(t *testing.T) {
				s := stepperFor(t, be, in16(c))
				take(t, s, 5)
				embedding := s.params.All()[0]
				taller := embedding.Taller()
				if n := taller.Shape[0]; n%8 != 0 || n-embedding.Shape[0] < 1 {
					t.Fatalf("a vocabulary of %d has %d rows", embedding.Shape[0], n)
				}
				for name, b := range map[string]kernels.Buffer{
					"value":    taller.Value(),
					"gradient": taller.Grad(),
					"moment":   s.params.Part(s.opt.Moment1, taller),
				} {
					v := make([]float32, b.Len())
					if err := be.Download(v, b); err != nil {
						t.Fatal(err)
					}
					own := embedding.Shape.Elems()
					if slices.Max(v[:own]) == 0 {
						t.Errorf("the %s is all 0", name)
					}
					if slices.ContainsFunc(v[own:], func(x float32) bool { return x != 0 }) {
						t.Errorf("the %s goes on behind the vocabulary: %v", name, v[own:])
					}
				}
			})
		}
	}
}

// The CPU has no bfloat16, and says so whatever name it was asked for by.
func TestBFloat16NeedsADevice(t *testing.T) {
	err := recipe.CheckPrecision(openCPU(t, 1), in16(fixture.Tiny()))
	if err == nil || !strings.HasPrefix(err.Error(), "precision: bf16 needs a CUDA device") {
		t.Errorf("the error is %v", err)
	}
}
