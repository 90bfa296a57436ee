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

// lowVocab is a vocabulary size for which rows of bfloat16 logits are padded.
const lowVocab = 13

// restless is a configuration with every random draw (hidden tokens, edge drop, dropout), in two micro-batches.
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

// stepperFor makes a stepper for a configuration's task.
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

// unit is the largest relative error of rounding to bfloat16, which has 8 significant bits.
const unit = 0x1p-8

// A step's loss is a mean over tokens whose logits and weights are rounded by at most one unit each. Rounding errors of
// different tokens average out, and those of gradients stay smaller for some steps. So losses differ by less than a
// unit, relatively.
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

// Padding rows of the embedding beyond the vocabulary stay 0.
func TestRowsBehindTheVocabularyStayZero(t *testing.T) {
	for name, be := range lowBackends(t) {
		for task, c := range map[string]config.Config{"lm": restless(), "seq2seq": restlessPairs()} {
			t.Run(name+"/"+task, func(t *testing.T) {
				s := stepperFor(t, be, in16(c))
				take(t, s, 5)
				embedding := s.model.Params.All()[0]
				taller := embedding.Taller()
				if n := taller.Shape[0]; n%8 != 0 || n-embedding.Shape[0] < 1 {
					t.Fatalf("a vocabulary of %d has %d rows", embedding.Shape[0], n)
				}
				for name, b := range map[string]kernels.Buffer{
					"value":    taller.Value(),
					"gradient": taller.Grad(),
					"moment":   s.model.Params.Part(s.opt.Moment1, taller),
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

// The CPU refuses bfloat16, whatever name it is configured by.
func TestBFloat16NeedsADevice(t *testing.T) {
	err := recipe.CheckPrecision(openCPU(t, 1), in16(fixture.Tiny()))
	if err == nil || !strings.HasPrefix(err.Error(), "precision: bf16 needs a CUDA device") {
		t.Errorf("the error is %v", err)
	}
}
