package metrics

import "time"

// horizon is over how many steps the time a step takes is averaged: long enough for evaluations and
// checkpoints between steps to be spread out, short enough to notice a machine that becomes busy.
const horizon = 500

// Meter measures how fast a process trains. The zero value is not ready: use NewMeter.
type Meter struct {
	now     func() time.Time
	start   time.Time
	before  float64   // seconds trained by earlier processes
	mark    time.Time // when the step being measured began
	last    time.Time // when the last step ended
	average float64   // seconds from one step's end to the next's
	steps   int
}

// NewMeter starts measuring. elapsed is how many seconds the run was trained by earlier processes.
func NewMeter(now func() time.Time, elapsed float64) *Meter {
	t := now()
	return &Meter{now: now, start: t, before: elapsed, mark: t, last: t}
}

// ElapsedS is for how many seconds the run has been trained.
func (m *Meter) ElapsedS() float64 { return m.before + m.now().Sub(m.start).Seconds() }

// Step ends a step of so many supervised tokens, and begins the next.
func (m *Meter) Step(tokens int) Time {
	now := m.now()
	t := Time{ElapsedS: m.before + now.Sub(m.start).Seconds()}
	if d := now.Sub(m.mark).Seconds(); d > 0 {
		t.TokensPerS = float64(tokens) / d
	}
	m.steps++
	m.average += (now.Sub(m.last).Seconds() - m.average) / float64(min(m.steps, horizon))
	m.mark, m.last = now, now
	return t
}

// Resume says that the time since the last step was for something else (an evaluation, a checkpoint):
// it counts for the time left but not for tokens per second.
func (m *Meter) Resume() { m.mark = m.now() }

// Left estimates how long so many more steps will take; false before the first step is done.
func (m *Meter) Left(steps int) (time.Duration, bool) {
	if m.steps == 0 {
		return 0, false
	}
	return time.Duration(float64(max(steps, 0)) * m.average * float64(time.Second)), true
}
