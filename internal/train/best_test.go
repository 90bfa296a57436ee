package train

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"dmtrain/internal/checkpoint"
	"dmtrain/internal/config"
	"dmtrain/internal/metrics"
	"dmtrain/internal/rng"
	"dmtrain/internal/saved"
	"dmtrain/internal/task/fixture"
	"dmtrain/internal/task/tasks"
)

// testsOf are a run's evaluations on its test text.
func testsOf(t *testing.T, c config.Config) (tests []metrics.Test) {
	t.Helper()
	for r, err := range metrics.ReadFile(filepath.Join(c.Run.Dir, checkpoint.MetricsFile)) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Test != nil {
			tests = append(tests, *r.Test)
		}
	}
	return tests
}

// tested are configurations of both tasks with a test text, whose best step is not the last.
func tested(t *testing.T) map[string]config.Config {
	rows := runConfig(t, adaptive())
	rows.Data.TestFraction = 0.1
	rows.Train.Steps, rows.Train.EvalEvery, rows.Train.SaveEvery, rows.Train.EMA = 12, 3, 5, 0.5
	pairs := inRun(t, fixture.Pairs())
	pairs.Train.Steps, pairs.Train.EvalEvery, pairs.Train.SaveEvery = 12, 4, 8
	pairs.Data.Test = []string{"builtin:dates?n=6&part=valid&seed=5"}
	return map[string]config.Config{"lm": rows, "seq2seq": pairs}
}

// The best model is evaluated once on the test text, and the trained parameters are unchanged.
func TestTheBestModelIsTestedOnce(t *testing.T) {
	for name, c := range tested(t) {
		t.Run(name, func(t *testing.T) {
			mustRun(t, quiet(c, Options{}))
			whole := outcomeOf(t, c)
			tests := testsOf(t, c)
			if len(tests) != 1 {
				t.Fatalf("%d evaluations on the test text", len(tests))
			}
			run, err := checkpoint.ViewRun(c.Run.Dir)
			if err != nil {
				t.Fatal(err)
			}
			best, err := run.Best()
			if err != nil {
				t.Fatal(err)
			}
			m := tests[0]
			if m.Step != best || m.Looks != 1 || m.BestOf != c.Train.Steps/c.Train.EvalEvery || m.Tokens == 0 {
				t.Errorf("%+v, the best step is %d", m, best)
			}
			if loss, bestOf := lossOn(t, c, saved.SplitTest); loss != m.TestLoss || bestOf != 0 {
				t.Errorf("training says %v, evaluating the model %v; the text chose it from %d evaluations", m.TestLoss,
					loss, bestOf)
			}
			if loss, bestOf := lossOn(t, c, saved.SplitValid); loss != m.ValidLoss || bestOf != m.BestOf {
				t.Errorf("validation loss %v, evaluating the model %v, the best of %d", m.ValidLoss, loss, bestOf)
			}
			mustRun(t, quiet(c, Options{Resume: true}))
			whole.equals(t, outcomeOf(t, c)) // no second evaluation

			cut := inRun(t, c)
			mustRun(t, quiet(cut, Options{Until: 10}))
			if n := len(testsOf(t, cut)); n != 0 {
				t.Errorf("%d evaluations on the test text before the end", n)
			}
			mustRun(t, quiet(cut, Options{Resume: true}))
			whole.equals(t, outcomeOf(t, cut))
			if !bytes.Equal(fileOf(t, c, "optimizer.safetensors"), fileOf(t, cut, "optimizer.safetensors")) {
				t.Error("what training goes on from differs")
			}

			without := inRun(t, c)
			without.Data.Test = nil
			if name == "lm" { // with the fraction the split would go
				return
			}
			mustRun(t, quiet(without, Options{}))
			if !bytes.Equal(fileOf(t, without, "optimizer.safetensors"), fileOf(t, c, "optimizer.safetensors")) {
				t.Error("the evaluation on the test text changes training")
			}
		})
	}
}

// A resumed run reads the test text again if it finds a better model, and counts the evaluations.
func TestLooksAreCounted(t *testing.T) {
	c := runConfig(t, adaptive())
	c.Data.TestFraction = 0.1
	c.Train.Steps, c.Train.EvalEvery = 6, 3
	mustRun(t, quiet(c, Options{}))
	c.Train.Steps = 12
	mustRun(t, quiet(c, Options{Resume: true}))
	tests := testsOf(t, c)
	if n := len(tests); n != 2 || tests[1].Looks != 2 || tests[1].BestOf != 4 || tests[1].Step <= tests[0].Step {
		t.Errorf("%+v", tests)
	}
}

func lossOn(t *testing.T, c config.Config, split string) (metrics.Number, int) {
	t.Helper()
	src := saved.Ref{Run: c.Run.Dir, Device: "cpu"}
	r, err := saved.Evaluate(t.Context(), saved.EvalOptions{Ref: src, Split: split}, tasks.All())
	if err != nil {
		t.Fatal(err)
	}
	return r.Loss, r.BestOf
}

// A canary: the letters are independent and uniform over four, so no model's loss is below ln 4 nats. The best of many
// evaluations on one text is, by luck; on other text it is not.
func TestTheBestOfManyIsLucky(t *testing.T) {
	c := runConfig(t, fixture.Tiny())
	letters := make([]byte, 3000)
	for i := range letters {
		letters[i] = "abcd"[rng.Below(3, rng.Probe, 0, 0, uint32(i), 4)]
	}
	if err := os.WriteFile(c.Data.Train[0], letters, 0o644); err != nil {
		t.Fatal(err)
	}
	c.Data.Tokenizer.Kind, c.Data.TestFraction = "char", 0.1
	c.Train.Steps, c.Train.EvalEvery, c.Train.SaveEvery = 200, 1, 0
	c.Train.LR, c.Train.MinLR, c.Train.Warmup = 3e-3, 3e-3, 0
	mustRun(t, quiet(c, Options{}))
	m := testsOf(t, c)[0]
	if float64(m.ValidLoss) >= math.Log(4) {
		t.Errorf("the best of %d evaluations is %.4f, not below ln 4: this test finds no luck", m.BestOf, m.ValidLoss)
	}
	var b bytes.Buffer
	r, err := saved.Evaluate(t.Context(), saved.EvalOptions{
		Ref:      saved.Ref{Run: c.Run.Dir, Device: "cpu"},
		Split:    saved.SplitTest,
		PerToken: &b,
	}, tasks.All())
	if err != nil {
		t.Fatal(err)
	}
	var sum, squares, n float64
	for lines := bufio.NewScanner(&b); lines.Scan(); n++ {
		var token saved.Token
		if err := json.Unmarshal(lines.Bytes(), &token); err != nil {
			t.Fatal(err)
		}
		sum += float64(token.NLL)
		squares += float64(token.NLL) * float64(token.NLL)
	}
	se := math.Sqrt((squares/n - sum/n*sum/n) / n)
	d := float64(r.Loss) - math.Log(4)
	t.Logf("ln 4 %+.4f where it was chosen from %d, ln 4 %+.4f ± %.4f on test text", float64(m.ValidLoss)-math.Log(4),
		m.BestOf, d, se)
	if math.Abs(d) > 4*se {
		t.Errorf("%.4f ± %.4f from ln 4 on text that chose nothing", d, se)
	}
}
