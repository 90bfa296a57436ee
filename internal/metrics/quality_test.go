package metrics

import (
	"math"
	"testing"
	"time"
)

func TestQuality(t *testing.T) {
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"perplexity of a uniform choice of 16", Perplexity(math.Log(16)), 16},
		{"perplexity of certainty", Perplexity(0), 1},
		{"bits per byte of uniform bytes", BitsPerByte(10*math.Log(256), 10), 8},
		{"bits per byte of tokens of two bytes", BitsPerByte(5*math.Log(4), 10), 1},
		{"accuracy", Accuracy(3, 4), 0.75},
		{"accuracy of nothing", Accuracy(0, 0), 0},
	} {
		if math.Abs(c.got-c.want) > 1e-12*math.Abs(c.want) {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
	if !math.IsInf(Perplexity(1000), 1) || !math.IsNaN(BitsPerByte(1, 0)) {
		t.Error("limits")
	}
}

func TestCount(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0.00", 7.254: "7.25", 99.99: "99.99", 99.996: "100", 950: "950", 999.4: "999", 999.6: "1.00k",
		1000: "1.00k", 12345: "12.3k",
		99949: "99.9k", 99960: "100k", 123456: "123k", 999600: "1.00M", 1234567: "1.23M", 2.5e9: "2.50G", 1e12: "1.00T",
		1e15: "1e+15", math.Inf(1): "+Inf",
	} {
		if got := Count(v); got != want || len(got) > 6 {
			t.Errorf("Count(%v) = %q, want %q", v, got, want)
		}
	}
	if got := Count(math.NaN()); got != "NaN" {
		t.Errorf("Count(NaN) = %q", got)
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 400 * time.Millisecond: "0s", 42 * time.Second: "42s", 59700 * time.Millisecond: "1m00s",
		80 * time.Second:        "1m20s",
		time.Hour - time.Second: "59m59s", 2*time.Hour + 5*time.Minute: "2h05m", 76 * time.Hour: "3d04h",
	} {
		if got := Duration(d); got != want {
			t.Errorf("Duration(%v) = %q, want %q", d, got, want)
		}
	}
}

// clock is a time that tests move.
type clock struct{ t time.Time }

func newClock() *clock { return &clock{time.Unix(1e9, 0)} }

func (c *clock) now() time.Time       { return c.t }
func (c *clock) pass(seconds float64) { c.t = c.t.Add(time.Duration(seconds * float64(time.Second))) }

func TestMeter(t *testing.T) {
	c := newClock()
	m := NewMeter(c.now, 100)
	c.pass(2)
	if got := m.Step(50); got != (Time{ElapsedS: 102, TokensPerS: 25}) {
		t.Errorf("first step: %+v", got)
	}
	c.pass(10) // an evaluation
	m.Resume()
	c.pass(1)
	if got := m.Step(50); got != (Time{ElapsedS: 113, TokensPerS: 50}) {
		t.Errorf("step after an evaluation: %+v", got)
	}
	if got := m.Step(50); got != (Time{ElapsedS: 113}) {
		t.Errorf("a step without time: %+v", got)
	}
	c.pass(0.5)
	if got := m.ElapsedS(); got != 113.5 {
		t.Errorf("elapsed %v", got)
	}
}

func TestPace(t *testing.T) {
	c := newClock()
	var p pace
	left := func(steps int, want time.Duration) {
		t.Helper()
		if got, ok := p.left(steps); !ok || (got-want).Abs() > want/1000 {
			t.Errorf("%d steps left take %v (%v), want %v", steps, got, ok, want)
		}
	}
	p.step(c.now())
	if _, ok := p.left(10); ok {
		t.Error("an estimate from one moment")
	}
	left(0, 0)
	for range 100 { // every tenth step is followed by a checkpoint of 5 seconds
		for i := range 10 {
			c.pass(1)
			p.step(c.now())
			if i == 9 {
				c.pass(5)
			}
		}
	}
	left(-3, 0)
	if got, _ := p.left(1000); got < 1400*time.Second || got > 1550*time.Second {
		t.Errorf("1000 steps left take %v, want about 1500 s", got)
	}
	for range 3000 {
		c.pass(3)
		p.step(c.now())
	}
	if got, _ := p.left(10); got < 29*time.Second || got > 31*time.Second {
		t.Errorf("after becoming slower, 10 steps take %v, want about 30 s", got)
	}
}
