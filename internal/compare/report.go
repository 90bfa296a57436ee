package compare

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"

	"dmtrain/internal/files"
	"dmtrain/internal/metrics"
)

// Report is what a comparison found.
type Report struct {
	Version    string      `json:"version"`
	Dir        string      `json:"dir"`
	Setup      Setup       `json:"setup"`
	Confidence float64     `json:"confidence"` // of the intervals
	Baseline   string      `json:"baseline"`
	Arms       []ArmReport `json:"arms"`
	Verdict    []string    `json:"verdict"` // in words
	// test or valid: the text on which the verdict compares the models that the validation text chose
	Reported string `json:"reported"`
}

// Setup is what all arms share.
type Setup struct {
	Seeds       []uint64 `json:"seeds"`
	Steps       int      `json:"steps"`
	BatchSize   int      `json:"batch_size"`
	SeqLen      int      `json:"seq_len"`
	StepTokens  float64  `json:"step_tokens"`  // predicted, on average
	TrainTokens int      `json:"train_tokens"` // of the text
	ValidTokens int      `json:"valid_tokens"` // supervised
	TestTokens  int      `json:"test_tokens"`  // likewise; 0 without test text
	Device      string   `json:"device"`
	Threads     int      `json:"threads"`
}

// device is what computes, and on how many threads where it has any.
func (s Setup) device() string {
	if s.Threads == 0 {
		return s.Device
	}
	return fmt.Sprintf("%s, %d threads", s.Device, s.Threads)
}

// tested is on how many tokens.
func (s Setup) tested() string {
	if s.TestTokens == 0 {
		return ""
	}
	return fmt.Sprintf(", tested on %d", s.TestTokens)
}

// tokens is how many a trial reads.
func (s Setup) tokens() int { return int(float64(s.Steps) * s.StepTokens) }

// step is the size of one.
func (s Setup) step() string {
	if s.StepTokens == float64(s.BatchSize*s.SeqLen) {
		return fmt.Sprintf("%d × %d tokens", s.BatchSize, s.SeqLen)
	}
	return fmt.Sprintf("%.0f target tokens", s.StepTokens)
}

// passes is how often a trial reads each token of the text, on average.
func (s Setup) passes() float64 { return float64(s.tokens()) / float64(s.TrainTokens) }

// ArmReport is what an arm's trials came to. Losses are nats per token; differences are the arm's minus the baseline's.
type ArmReport struct {
	Name     string            `json:"name"`
	Settings map[string]string `json:"settings"`
	Yoked    string            `json:"yoked_to,omitempty"` // the arm whose openness it replays
	Best     Estimate          `json:"best_valid_loss"`
	Final    Estimate          `json:"final_valid_loss"`
	Test     *Estimate         `json:"test_loss,omitempty"` // of the best model
	// of 15 % hidden tokens, for arms trained to fill blanks
	Infill         *Estimate   `json:"infill_loss,omitempty"`
	TokensPerS     Estimate    `json:"tokens_per_s"`
	BestDifference *Difference `json:"best_difference,omitempty"` // nil for the baseline
	// nil for the baseline, and without test text
	TestDifference  *Difference `json:"test_difference,omitempty"`
	FinalDifference *Difference `json:"final_difference,omitempty"` // nil for the baseline
	// a yoked arm's: the arm it replays minus itself, on the text reported
	YokedDifference *Difference `json:"yoked_best_difference,omitempty"`
	Trials          []*Result   `json:"trials"`
}

// report gathers all trials' results.
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
	for i := range c.trials {
		t := &c.trials[i]
		result, err := t.result()
		if err != nil {
			return nil, err
		}
		r.Arms[t.arm].Trials = append(r.Arms[t.arm].Trials, result)
		now, err := t.text()
		if err != nil {
			return nil, err
		}
		if text == "" {
			text = now
		}
		if now != text {
			return nil, fmt.Errorf("%s was trained on another text than %s: delete one of them and --resume",
				t.config.Run.Dir, c.trials[0].config.Run.Dir)
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
			a.Test = pointer(estimate(a.each(test)))
		}
		if infill := a.each(infill); !math.IsNaN(infill[0]) {
			e := estimate(infill)
			a.Infill = &e
		}
		p[i] = math.NaN()
		if a != base {
			a.BestDifference, a.FinalDifference = pointer(paired(a.each(best), base.each(best))),
				pointer(paired(a.each(final), base.each(final)))
			if r.Setup.TestTokens > 0 {
				a.TestDifference = pointer(paired(a.each(test), base.each(test)))
			}
			p[i] = float64(r.difference(a).P)
		}
		if target := r.arm(a.Yoked); target != nil {
			a.YokedDifference = pointer(paired(target.each(reported), a.each(reported)))
		}
	}
	for i, adjusted := range holm(p) {
		if d := r.difference(&r.Arms[i]); d != nil {
			d.Holm = metrics.Number(adjusted)
		}
	}
	r.Verdict = r.verdict()
}

// difference is an arm's from the baseline, on the text that is reported; nil for the baseline.
func (r *Report) difference(a *ArmReport) *Difference {
	if r.Reported == "test" {
		return a.TestDifference
	}
	return a.BestDifference
}

// arm is the one of a name, nil if there is none.
func (r *Report) arm(name string) *ArmReport {
	for i := range r.Arms {
		if r.Arms[i].Name == name {
			return &r.Arms[i]
		}
	}
	return nil
}

// each is a measure of every trial, in the order of seeds.
func (a *ArmReport) each(measure func(*Result) metrics.Number) []float64 {
	values := make([]float64, len(a.Trials))
	for i, t := range a.Trials {
		values[i] = float64(measure(t))
	}
	return values
}

func best(r *Result) metrics.Number   { return r.Best }
func test(r *Result) metrics.Number   { return r.Test }
func final(r *Result) metrics.Number  { return r.Final }
func infill(r *Result) metrics.Number { return r.Infill }
func speed(r *Result) metrics.Number  { return r.TokensPerS }

func pointer[T any](v T) *T { return &v }

// The files of a report, in the comparison's directory.
const (
	MarkdownFile = "compare.md"
	JSONFile     = "compare.json"
	PictureFile  = "compare.png"
)

// Write puts the report into its directory as Markdown, JSON and a picture.
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
