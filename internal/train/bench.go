package train

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"dmtrain/internal/backend"
	"dmtrain/internal/config"
	"dmtrain/internal/mask"
	"dmtrain/internal/rng"
	"dmtrain/internal/tokenizer"
)

// warmupSteps are taken before a benchmark's clock starts.
const warmupSteps = 3

// BenchReport is what `dmtrain bench` prints.
type BenchReport struct {
	Params         int     `json:"params"`
	TokensPerStep  int     `json:"tokens_per_step"`
	StepMsMedian   float64 `json:"step_ms_median"`
	StepMsMin      float64 `json:"step_ms_min"`
	TokensPerS     float64 `json:"tokens_per_s"` // at the median
	GflopsPerS     float64 `json:"model_gflops_per_s"`
	Threads        int     `json:"threads"`
	Device         string  `json:"device"`
	MemoryMiB      float64 `json:"memory_mib"` // parameters, gradients, moments and the training pass
	VisibleShare   float64 `json:"visible"`    // visible pairs over all, in the last step
	TilesComputed  int     `json:"tiles"`      // attention tiles computed a layer and head, in the last step
	TilesTotal     int     `json:"tiles_total"`
	PlanShare      float64 `json:"plan_share"` // of the steps' time, spent on planning and certifying masks
	CertifiedShare float64 `json:"certify_share"`
}

// Bench times whole training steps on random tokens.
func Bench(ctx context.Context, c config.Config, steps int) (_ *BenchReport, err error) {
	if c.Task == config.TaskPairs {
		return nil, errors.New("task: bench times language models")
	}
	vocab, err := benchVocab(c)
	if err != nil {
		return nil, err
	}
	be, err := backend.Open(c.Device)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, be.Close()) }()
	s, err := newStepper(be, c, maskRun(c, vocab, 1, nil), randomRows(c.Run.Seed, vocab))
	if err != nil {
		return nil, err
	}
	var times []float64
	for i := range warmupSteps + steps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if i == warmupSteps {
			s.spent = spent{}
		}
		start := time.Now()
		if _, err := s.step(i); err != nil {
			return nil, err
		}
		if err := be.Sync(); err != nil {
			return nil, err
		}
		if i >= warmupSteps {
			times = append(times, time.Since(start).Seconds())
		}
	}
	return s.report(c, times), nil
}

func (s *stepper) report(c config.Config, times []float64) *BenchReport {
	total := 0.0
	for _, t := range times {
		total += t
	}
	slices.Sort(times)
	median, info := (times[(len(times)-1)/2]+times[len(times)/2])/2, s.be.Info()
	for i := range s.micro {
		if s.measure {
			break // the step has done so
		}
		s.stats.Measure(&s.micro[i].plan, info.TileQ, info.TileS)
	}
	var seen mask.Record
	s.control.Record(&seen, s.stats)
	rows := s.text.(*rowText)
	r := &BenchReport{Params: rows.model.Params.Count(), TokensPerStep: c.Train.BatchSize * c.Data.SeqLen,
		StepMsMedian: median * 1e3, StepMsMin: times[0] * 1e3, Threads: info.Threads, Device: info.Name + " " + info.Path,
		VisibleShare: seen.Visible, TilesComputed: seen.Tiles, TilesTotal: seen.TilesTotal,
		PlanShare: s.spent.plan.Seconds() / total, CertifiedShare: s.spent.certify.Seconds() / total}
	r.TokensPerS = float64(r.TokensPerStep) / median
	r.GflopsPerS = rows.model.FlopsPerToken(r.Params, c.Data.SeqLen) * r.TokensPerS / 1e9
	r.MemoryMiB = float64(16*s.params.Len()+rows.pass.Bytes()) / (1 << 20)
	return r
}

// benchVocab is how many token values the random text has.
func benchVocab(c config.Config) (int, error) {
	if c.Bench.Vocab > 0 {
		return c.Bench.Vocab, nil
	}
	if c.Data.Tokenizer.Kind != tokenizer.DefaultConfig().Kind {
		return 0, fmt.Errorf("bench.vocab: tokenizer %q gets its vocabulary from a text, which bench doesn't read: say how many tokens it has", c.Data.Tokenizer.Kind)
	}
	t, err := tokenizer.New(c.Data.Tokenizer, tokenizer.NewSurvey(c.Data.Tokenizer))
	if err != nil {
		return 0, err
	}
	return t.Vocab(), nil
}

// randomRows lays out uniformly random tokens, one document a row.
func randomRows(seed uint64, vocab int) func(*mask.Rows, int) {
	return func(rows *mask.Rows, step int) {
		for r := range rows.B {
			line := uint32(rows.First + r)
			for t := range rows.T + 1 {
				id := int32(rng.Below(seed, rng.Probe, uint32(step), line, uint32(t), vocab))
				n := r*rows.T + t
				if t > 0 {
					rows.Next[n-1] = id
				}
				if t < rows.T {
					rows.IDs[n], rows.Start[n], rows.End[n] = id, 0, int32(rows.T)
				}
			}
		}
	}
}
