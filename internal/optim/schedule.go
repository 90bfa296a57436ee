package optim

import "math"

// Schedule is a learning rate over the steps of a run: a linear warm-up to Peak over Warmup steps, then Kind.
type Schedule struct {
	Kind   string  // cosine | linear | constant | inverse_sqrt | wsd
	Peak   float64 // the highest rate
	Floor  float64 // where cosine, linear and wsd end
	Warmup int
	Steps  int // of the whole run
	Decay  int // wsd: the last steps, over which the rate falls
}

// At is the rate of a step, counted from 0. Warm-up step s has (s+1)/Warmup of the peak, so that no step has none.
//
//	cosine        Floor + ½(Peak−Floor)(1 + cos π·x),  x = (s−Warmup)/(Steps−Warmup)
//	linear        Peak − (Peak−Floor)·x
//	inverse_sqrt  Peak·√(Warmup/s)                     (Vaswani et al. 2017, rescaled to reach Peak)
//	wsd           Peak, then linearly to Floor over the last Decay steps  (Hu et al. 2024)
func (s Schedule) At(step int) float64 {
	if step < s.Warmup {
		return s.Peak * float64(step+1) / float64(s.Warmup)
	}
	x := 1.0
	if s.Steps > s.Warmup {
		x = math.Min(1, float64(step-s.Warmup)/float64(s.Steps-s.Warmup))
	}
	switch s.Kind {
	case "cosine":
		return s.Floor + 0.5*(s.Peak-s.Floor)*(1+math.Cos(math.Pi*x))
	case "linear":
		return s.Peak - (s.Peak-s.Floor)*x
	case "constant":
		return s.Peak
	case "inverse_sqrt":
		return s.Peak * math.Sqrt(float64(max(s.Warmup, 1))/float64(max(step, 1)))
	case "wsd":
		left := s.Steps - step
		if s.Decay == 0 || left >= s.Decay {
			return s.Peak
		}
		return s.Floor + (s.Peak-s.Floor)*float64(max(left, 0))/float64(s.Decay)
	}
	panic("optim: unknown schedule")
}

// Schedules are the kinds there are.
func Schedules() []string { return []string{"cosine", "linear", "constant", "inverse_sqrt", "wsd"} }
