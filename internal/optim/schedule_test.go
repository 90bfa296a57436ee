package optim

import (
	"math"
	"testing"
)

func TestScheduleKnownPoints(t *testing.T) {
	base := Schedule{Peak: 1e-3, Floor: 1e-4, Warmup: 100, Steps: 2000}
	for _, c := range []struct {
		kind string
		step int
		want float64
	}{
		{"cosine", 0, 1e-5},
		{"cosine", 99, 1e-3},
		{"cosine", 100, 1e-3},
		{"cosine", 1050, 5.5e-4}, // half-way: the mean of peak and floor
		{"cosine", 2000, 1e-4},
		{"cosine", 5000, 1e-4},
		{"linear", 575, 7.75e-4},
		{"linear", 2000, 1e-4},
		{"constant", 1999, 1e-3},
		{"inverse_sqrt", 100, 1e-3},
		{"inverse_sqrt", 400, 5e-4},
		{"wsd", 1600, 1e-3},
		{"wsd", 1800, 5.5e-4},
		{"wsd", 2000, 1e-4},
	} {
		s := base
		s.Kind, s.Decay = c.kind, 400
		if got := s.At(c.step); math.Abs(got-c.want) > 1e-15 {
			t.Errorf("%s at %d = %v, want %v", c.kind, c.step, got, c.want)
		}
	}
}

func TestScheduleEdges(t *testing.T) {
	for _, kind := range Schedules() {
		for _, s := range []Schedule{
			{Kind: kind, Peak: 1, Steps: 0},
			{Kind: kind, Peak: 1, Steps: 1},
			{Kind: kind, Peak: 1, Steps: 5, Warmup: 5, Decay: 5},
			{Kind: kind, Peak: 1, Steps: 5, Warmup: 9, Decay: 9},
		} {
			for step := range 12 {
				if lr := s.At(step); !(lr >= 0 && lr <= 1) {
					t.Errorf("%+v at %d = %v", s, step, lr)
				}
			}
		}
	}
}
