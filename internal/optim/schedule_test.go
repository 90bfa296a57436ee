package optim

import (
	"math"
	"testing"

	"dmtrain/internal/config"
)

func TestScheduleKnownPoints(t *testing.T) {
	base := Schedule{
		Peak:   1e-3,
		Floor:  1e-4,
		Warmup: 100,
		Steps:  2000,
	}
	for _, c := range []struct {
		kind string
		step int
		want float64
	}{
		{"cosine", 0, 1e-5},
		{"cosine", 98, 9.9e-4},
		{"cosine", 99, 1e-3},
		{"cosine", 1049, 5.5e-4}, // half-way: the mean of peak and floor
		{"cosine", 1999, 1e-4},
		{"cosine", 5000, 1e-4},
		{"linear", 574, 7.75e-4},
		{"linear", 1999, 1e-4},
		{"constant", 1999, 1e-3},
		{"inverse_sqrt", 99, 1e-3},
		{"inverse_sqrt", 399, 5e-4},
		{"wsd", 1599, 1e-3},
		{"wsd", 1799, 5.5e-4},
		{"wsd", 1999, 1e-4},
	} {
		s := base
		s.Kind, s.Decay = c.kind, 400
		if got := s.At(c.step); math.Abs(got-c.want) > 1e-15 {
			t.Errorf("%s at %d = %v, want %v", c.kind, c.step, got, c.want)
		}
	}
}

// TestSchedulesReachTheirEnds: the last step of the warm-up has the peak, the last step of the run the floor,
// whatever their numbers.
func TestSchedulesReachTheirEnds(t *testing.T) {
	ends := map[string]float64{"cosine": 1e-4, "linear": 1e-4, "wsd": 1e-4, "constant": 1e-3}
	for kind, end := range ends {
		for _, warmup := range []int{0, 1, 3, 9} {
			s := Schedule{
				Kind:   kind,
				Peak:   1e-3,
				Floor:  1e-4,
				Warmup: warmup,
				Steps:  10,
				Decay:  2,
			}
			if got := s.At(9); got != end {
				t.Errorf("%s after a warm-up of %d ends at %v, not at %v", kind, warmup, got, end)
			}
			if got := s.At(max(warmup, 1) - 1); got != 1e-3 {
				t.Errorf("%s after a warm-up of %d begins at %v", kind, warmup, got)
			}
		}
	}
	wsd := Schedule{
		Kind:  "wsd",
		Peak:  1e-3,
		Floor: 1e-4,
		Steps: 10,
		Decay: 2,
	}
	for step, want := range []float64{7: 1e-3, 8: 5.5e-4, 9: 1e-4} {
		if got := wsd.At(step); step >= 7 && math.Abs(got-want) > 1e-18 {
			t.Errorf("wsd at %d = %v, want %v", step, got, want)
		}
	}
	paper := Schedule{
		Kind:   "inverse_sqrt",
		Peak:   1,
		Warmup: 4,
		Steps:  100,
	}
	for _, n := range []int{1, 3, 4, 5, 16, 100} { // Vaswani et al. 2017, equation 3, which counts from 1
		want := 2 * math.Min(1/math.Sqrt(float64(n)), float64(n)*math.Pow(4, -1.5))
		if got := paper.At(n - 1); math.Abs(got-want) > 1e-15 {
			t.Errorf("inverse_sqrt at step %d = %v, want %v", n, got, want)
		}
	}
}

func TestScheduleEdges(t *testing.T) {
	for _, kind := range config.Schedules() {
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
