package compare

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"

	"dmtrain/internal/files"
	"dmtrain/internal/metrics"
)

// Report is the result of a comparison.
type Report struct {
	Version    string      `json:"version"`
	Dir        string      `json:"dir"`
	Setup      Setup       `json:"setup"`
	Confidence float64     `json:"confidence"` // of the intervals
	Baseline   string      `json:"baseline"`
	Arms       []ArmReport `json:"arms"`
	Verdict    []string    `json:"verdict"` // in words
	// Reported is the text, test or valid, on which the verdict compares the models.
	Reported string `json:"reported"`
}

// Setup is the part of the configuration that all arms share.
type Setup struct {
	Seeds       []uint64 `json:"seeds"`
	Steps       int      `json:"steps"`
	BatchSize   int      `json:"batch_size"`
	SeqLen      int      `json:"seq_len"`
	StepTokens  float64  `json:"step_tokens"`  // mean number of predicted tokens a step
	TrainTokens int      `json:"train_tokens"` // of the text
	ValidTokens int      `json:"valid_tokens"` // supervised
	TestTokens  int      `json:"test_tokens"`  // likewise; 0 without test text
	Device      string   `json:"device"`
	Threads     int      `json:"threads"`
}

// device names the device and, for a CPU, its threads.
func (s Setup) device() string {
	if s.Threads == 0 {
		return s.Device
	}
	return fmt.Sprintf("%s, %d threads", s.Device, s.Threads)
}

// tested says on how many tokens models were tested.
func (s Setup) tested() string {
	if s.TestTokens == 0 {
		return ""
	}
	return fmt.Sprintf(", tested on %d", s.TestTokens)
}

// tokens is the number of tokens that a run reads.
func (s Setup) tokens() int { return int(float64(s.Steps) * s.StepTokens) }

// step says how large a step is.
func (s Setup) step() string {
	if s.StepTokens == float64(s.BatchSize*s.SeqLen) {
		return fmt.Sprintf("%d × %d tokens", s.BatchSize, s.SeqLen)
	}
	return fmt.Sprintf("%.0f target tokens", s.StepTokens)
}

// passes is the mean number of times that a run reads each token of the text.
func (s Setup) passes() float64 { return float64(s.tokens()) / float64(s.TrainTokens) }

// ArmReport is the result of an arm's runs. Losses are nats per token; differences are the arm's minus the baseline's.
type ArmReport struct {
	Name     string            `json:"name"`
	Settings map[string]string `json:"settings"`
	Yoked    string            `json:"yoked_to,omitempty"` // the arm whose openness it replays
	Best     Estimate          `json:"best_valid_loss"`
	Final    Estimate          `json:"final_valid_loss"`
	Test     *Estimate         `json:"test_loss,omitempty"` // of the best model
	// Infill is the loss of 15 % hidden tokens, for arms trained to fill blanks.
	Infill         *Estimate   `json:"infill_loss,omitempty"`
	TokensPerS     Estimate    `json:"tokens_per_s"`
	BestDifference *Difference `json:"best_difference,omitempty"` // nil for the baseline
	// TestDifference is nil for the baseline, and without a test text.
	TestDifference  *Difference `json:"test_difference,omitempty"`
	FinalDifference *Difference `json:"final_difference,omitempty"` // nil for the baseline
	// YokedDifference is that of the replayed arm minus this yoked arm, on the reported text.
	YokedDifference *Difference `json:"yoked_best_difference,omitempty"`
	Runs            []*Result   `json:"trials"`
}

// report reports on all runs.
func (c *comparison) report() (*Report, error) {
	r := &Report{
		Version:    c.Version,
		Dir:        c.Config.Run.Dir,
		Setup:      c.setup,
		Confidence: confidence,
		Baseline:   c.Arms[c.baseline()].Name,
	}
	for seed := range c.Seeds {
		r.Setup.Seeds = append(r.Setup.Seeds, c.Config.Run.Seed+uint64(seed))
	}
	for _, a := range c.Arms {
		arm := ArmReport{Name: a.Name, Yoked: a.Yoked, Settings: map[string]string{}}
		for _, s := range a.Settings {
			arm.Settings[s.Key] = s.Value
		}
		r.Arms = append(r.Arms, arm)
	}
	text := ""
	for i := range c.runs {
		run := &c.runs[i]
		result, err := run.result()
		if err != nil {
			return nil, err
		}
		r.Arms[run.arm].Runs = append(r.Arms[run.arm].Runs, result)
		now, err := run.text()
		if err != nil {
			return nil, err
		}
		if text == "" {
			text = now
		}
		if now != text {
			return nil, fmt.Errorf("%s was trained on another text than %s: delete one of them and --resume",
				run.config.Run.Dir, c.runs[0].config.Run.Dir)
		}
	}
	r.estimate()
	return r, nil
}

// estimate turns results into estimates, differences and a verdict.
func (r *Report) estimate() {
	base := r.arm(r.Baseline)
	reported := best
	if r.Reported = "valid"; r.Setup.TestTokens > 0 {
		r.Reported, reported = "test", test
	}
	p := make([]float64, len(r.Arms))
	for i := range r.Arms {
		a := &r.Arms[i]
		a.Best, a.Final, a.TokensPerS = estimate(a.each(best)), estimate(a.each(final)), estimate(a.each(speed))
		if r.Setup.TestTokens > 0 {
			a.Test = new(estimate(a.each(test)))
		}
		if infill := a.each(infill); !math.IsNaN(infill[0]) {
			a.Infill = new(estimate(infill))
		}
		p[i] = math.NaN()
		if a != base {
			a.BestDifference, a.FinalDifference = new(paired(a.each(best), base.each(best))),
				new(paired(a.each(final), base.each(final)))
			if r.Setup.TestTokens > 0 {
				a.TestDifference = new(paired(a.each(test), base.each(test)))
			}
			p[i] = float64(r.difference(a).P)
		}
		if target := r.arm(a.Yoked); target != nil {
			a.YokedDifference = new(paired(target.each(reported), a.each(reported)))
		}
	}
	for i, adjusted := range holm(p) {
		if d := r.difference(&r.Arms[i]); d != nil {
			d.Holm = metrics.Number(adjusted)
		}
	}
	r.Verdict = r.verdict()
}

// difference is an arm's difference from the baseline on the reported text; nil for the baseline.
func (r *Report) difference(a *ArmReport) *Difference {
	if r.Reported == "test" {
		return a.TestDifference
	}
	return a.BestDifference
}

// arm is the arm with a name, or nil.
func (r *Report) arm(name string) *ArmReport {
	for i := range r.Arms {
		if r.Arms[i].Name == name {
			return &r.Arms[i]
		}
	}
	return nil
}

// each is a measure of every run, in the order of seeds.
func (a *ArmReport) each(measure func(*Result) metrics.Number) []float64 {
	values := make([]float64, len(a.Runs))
	for i, t := range a.Runs {
		values[i] = float64(measure(t))
	}
	return values
}

func best(r *Result) metrics.Number   { return r.Best }
func test(r *Result) metrics.Number   { return r.Test }
func final(r *Result) metrics.Number  { return r.Final }
func infill(r *Result) metrics.Number { return r.Infill }
func speed(r *Result) metrics.Number  { return r.TokensPerS }

// The files of a report, in the comparison's directory.
const (
	MarkdownFile = "compare.md"
	JSONFile     = "compare.json"
	PictureFile  = "compare.png"
)

// Write writes the report into its directory as Markdown, JSON and a picture.
func (r *Report) Write() error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	picture, err := r.Picture()
	if err != nil {
		return fmt.Errorf("%s: %w", PictureFile, err)
	}
	markdown := r.Markdown() + fmt.Sprintf("\n![loss curves, and differences from %s](%s)\n", r.Baseline, PictureFile)
	for name, data := range map[string][]byte{
		MarkdownFile: []byte(markdown),
		JSONFile:     append(text, '\n'),
		PictureFile:  picture,
	} {
		if err := files.Write(filepath.Join(r.Dir, name), data); err != nil {
			return err
		}
	}
	return nil
}
