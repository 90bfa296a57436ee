package metrics

import "time"

// Meter measures how fast a run is trained.
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

// ElapsedS is for how many seconds the run has been trained.
func (m *Meter) ElapsedS() float64 { return m.elapsed(m.now()) }

func (m *Meter) elapsed(now time.Time) float64 { return m.before + now.Sub(m.start).Seconds() }

// Step ends a step of so many supervised tokens, and begins the next.
func (m *Meter) Step(tokens int) Time {
	now := m.now()
	t := Time{ElapsedS: m.elapsed(now)}
	if d := now.Sub(m.mark).Seconds(); d > 0 {
		t.TokensPerS = float64(tokens) / d
	}
	m.mark = now
	return t
}

// Resume says that the time since the last step was for something else (an evaluation, a checkpoint)
// and does not count for tokens per second.
func (m *Meter) Resume() { m.mark = m.now() }

// horizon is over how many steps pace averages: long enough for evaluations and checkpoints between
// steps to be spread out, short enough to notice a machine that becomes busy.
const horizon = 500

// pace estimates the time left from the mean time between the ends of steps: of all steps so far, and
// from horizon steps on an exponential moving one.
type pace struct {
	last    time.Time
	average float64 // seconds
	steps   int     // intervals averaged
}

// step says that a step has just ended.
func (p *pace) step(now time.Time) {
	if !p.last.IsZero() {
		p.steps++
		p.average += (now.Sub(p.last).Seconds() - p.average) / float64(min(p.steps, horizon))
	}
	p.last = now
}

// left is how long so many more steps will take; false as long as no interval has been seen.
func (p *pace) left(steps int) (time.Duration, bool) {
	return time.Duration(float64(max(steps, 0)) * p.average * float64(time.Second)), p.steps > 0 || steps <= 0
}
