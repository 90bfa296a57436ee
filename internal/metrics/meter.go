package metrics

import "time"

// Meter measures the speed of training.
type Meter struct {
	now    func() time.Time
	start  time.Time
	before float64   // seconds trained by earlier processes
	mark   time.Time // when the step being measured began
}

// NewMeter starts measuring. elapsed is how many seconds the run was trained by earlier processes.
func NewMeter(now func() time.Time, elapsed float64) *Meter {
	t := now()
	return &Meter{
		now:    now,
		start:  t,
		before: elapsed,
		mark:   t,
	}
}

// ElapsedS is the training time of the run so far, in seconds.
func (m *Meter) ElapsedS() float64 { return m.elapsed(m.now()) }

func (m *Meter) elapsed(now time.Time) float64 { return m.before + now.Sub(m.start).Seconds() }

// Step ends a step with the given number of supervised tokens, and begins the next.
func (m *Meter) Step(tokens int) Time {
	now := m.now()
	t := Time{ElapsedS: m.elapsed(now)}
	if d := now.Sub(m.mark).Seconds(); d > 0 {
		t.TokensPerS = float64(tokens) / d
	}
	m.mark = now
	return t
}

// Resume excludes the time since the last step (an evaluation, a checkpoint) from tokens per second.
func (m *Meter) Resume() { m.mark = m.now() }

// horizon is the number of steps that pace averages over: enough to smooth evaluations and checkpoints, few enough to
// notice that the machine becomes busy.
const horizon = 500

// pace estimates the remaining time from the mean time between the ends of steps: over all steps at first, and as an
// exponential moving average after horizon steps.
type pace struct {
	last    time.Time
	average float64 // seconds
	steps   int     // intervals averaged
}

// step records the end of a step.
func (p *pace) step(now time.Time) {
	if !p.last.IsZero() {
		p.steps++
		p.average += (now.Sub(p.last).Seconds() - p.average) / float64(min(p.steps, horizon))
	}
	p.last = now
}

// left is the time that more steps will take; false before the first interval.
func (p *pace) left(steps int) (time.Duration, bool) {
	return time.Duration(float64(max(steps, 0)) * p.average * float64(time.Second)), p.steps > 0 || steps <= 0
}
