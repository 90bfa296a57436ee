package train

import (
	"context"
	"errors"

	"dmtrain/internal/bench"
	"dmtrain/internal/config"
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/recipe"
	"dmtrain/internal/task"
)

// warmupSteps are taken before a benchmark's clock starts.
const warmupSteps = 3

// BenchReport is what `dmtrain bench` prints.
type BenchReport struct {
	Params         int     `json:"params"`
	TokensPerStep  int     `json:"tokens_per_step"` // of task seq2seq: of source and target
	StepMsMedian   float64 `json:"step_ms_median"`
	StepMsMin      float64 `json:"step_ms_min"`
	TokensPerS     float64 `json:"tokens_per_s"` // at the median
	GflopsPerS     float64 `json:"model_gflops_per_s"`
	Threads        int     `json:"threads"`
	Device         string  `json:"device"`
	NoGPU          string  `json:"no_gpu,omitempty"` // why no GPU was used, if one was wanted
	MemoryMiB      float64 `json:"memory_mib"`       // parameters, gradients, moments and the training pass
	VisibleShare   float64 `json:"visible"`          // share of visible query–key pairs in the last step
	TilesComputed  int     `json:"tiles"`            // attention tiles computed a layer and head, in the last step
	TilesTotal     int     `json:"tiles_total"`
	PlanShare      float64 `json:"plan_share"` // share of the time spent on planning and certifying masks
	CertifiedShare float64 `json:"certify_share"`

	// the fastest large square product in the same precision, measured in this run
	MatMulPeak      float64       `json:"matmul_peak_gflops"`
	MatMulPeakN     int           `json:"matmul_peak_n"`     // its width
	PercentOfPeak   float64       `json:"percent_of_peak"`   // model_gflops_per_s over matmul_peak_gflops
	DeviceMemoryMiB float64       `json:"device_memory_mib"` // peak use of a GPU's memory; 0 on the CPU
	Profile         []bench.Share `json:"profile,omitempty"`
	ProfileSteps    int           `json:"profile_steps,omitempty"`
}

// BenchOptions say what to measure.
type BenchOptions struct {
	Steps   int
	Profile bool // also take steps in which every kernel is timed
}

// Bench times whole training steps on random tokens.
func Bench(ctx context.Context, c config.Config, k task.Task, o BenchOptions) (*BenchReport, error) {
	r, err := benchSteps(ctx, c, k, o.Steps)
	if err == nil && o.Profile {
		r.ProfileSteps = min(o.Steps, maxProfiled)
		r.Profile, err = profileSteps(ctx, c, k, r.ProfileSteps)
	}
	return r, err
}

// benchSteps times steps on a backend of their own.
func benchSteps(ctx context.Context, c config.Config, k task.Task, steps int) (r *BenchReport, err error) {
	be, err := recipe.Device(c, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, be.Close()) }()
	return measureSteps(ctx, be, c, k, steps)
}

// measureSteps times steps on a backend, and its peak at matrix products.
func measureSteps(
	ctx context.Context, be kernels.Backend, c config.Config, k task.Task, steps int,
) (*BenchReport, error) {
	before, err := bench.InUse(be)
	if err != nil {
		return nil, err
	}
	s, err := benchStepper(be, c, k)
	if err != nil {
		return nil, err
	}
	times, err := s.timed(ctx, steps, func() { s.spent = spent{} })
	if err != nil {
		return nil, err
	}
	r := s.report(times)
	if _, ok := be.(kernels.Device); ok {
		after, err := bench.InUse(be)
		if err != nil {
			return nil, err
		}
		r.DeviceMemoryMiB = float64(after-before) / (1 << 20)
	}
	peak, err := bench.MatMulPeak(ctx, be, recipe.Precision(c))
	if err != nil {
		return nil, err
	}
	r.MatMulPeak, r.MatMulPeakN, r.PercentOfPeak = peak.GflopsPerS, peak.N, 100*r.GflopsPerS/peak.GflopsPerS
	return r, nil
}

// maxProfiled is the largest number of steps in a profile.
const maxProfiled = 10

// profileSteps profiles steps on a backend of their own.
func profileSteps(ctx context.Context, c config.Config, k task.Task, steps int) (_ []bench.Share, err error) {
	be, err := recipe.Device(c, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, be.Close()) }()
	return measureProfile(ctx, be, c, k, steps)
}

func measureProfile(
	ctx context.Context, be kernels.Backend, c config.Config, k task.Task, steps int,
) ([]bench.Share, error) {
	p, err := bench.NewProfiler(be)
	if err != nil {
		return nil, err
	}
	s, err := benchStepper(p, c, k)
	if err != nil {
		return nil, err
	}
	times, err := s.timed(ctx, steps, p.Reset)
	if err != nil {
		return nil, err
	}
	return p.Shares(steps, sum(times)), nil
}

// timed takes steps and returns the seconds of each. It calls begin after the warm-up steps.
func (s *stepper) timed(ctx context.Context, steps int, begin func()) ([]float64, error) {
	w, err := bench.NewStopwatch(s.be)
	if err != nil {
		return nil, err
	}
	var times []float64
	for i := range warmupSteps + steps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if i == warmupSteps {
			begin()
		}
		w.Start()
		if _, err := s.step(i); err != nil {
			return nil, err
		}
		seconds, err := w.Stop()
		if err = errors.Join(err, s.be.Sync()); err != nil {
			return nil, err
		}
		if i >= warmupSteps {
			times = append(times, seconds)
		}
	}
	return times, nil
}

func (s *stepper) report(times []float64) *BenchReport {
	total, step, info := sum(times), bench.Summarise(times), s.be.Info()
	for _, m := range s.micro {
		if s.measure {
			break // the step has measured them
		}
		s.stats.Measure(&m.plan, info.TileQ, info.TileS)
	}
	var seen mask.Record
	s.control.Record(&seen, s.stats)
	work := s.work()
	r := &BenchReport{
		Params:         s.model.Params.Count(),
		TokensPerStep:  work.tokens,
		StepMsMedian:   step.Median * 1e3,
		StepMsMin:      step.Min * 1e3,
		Threads:        info.Threads,
		Device:         info.Device(),
		NoGPU:          info.NoGPU,
		VisibleShare:   seen.Visible,
		TilesComputed:  seen.Tiles,
		TilesTotal:     seen.TilesTotal,
		PlanShare:      s.spent.plan.Seconds() / total,
		CertifiedShare: s.spent.certify.Seconds() / total,
	}
	r.TokensPerS = float64(work.tokens) / step.Median
	r.GflopsPerS = work.flops / step.Median / 1e9
	r.MemoryMiB = float64(s.model.Params.TrainingBytes()+work.bytes) / (1 << 20)
	return r
}

func sum(v []float64) (total float64) {
	for _, x := range v {
		total += x
	}
	return total
}
