package optim

import "math"

// Schedule is a learning rate over the steps of a run: a linear warm-up to Peak over Warmup steps, then Kind.
type Schedule struct {
	Kind   string  // cosine | linear | constant | inverse_sqrt | wsd
	Peak   float64 // the highest rate
	Floor  float64 // where cosine, linear and wsd end: the rate of the last step
	Warmup int     // the last of these steps has the peak; 0 is as 1: the first step has it
	Steps  int     // of the whole run
	Decay  int     // wsd: the last steps, over which the rate falls
}

// At is the rate of a step, counted from 0. With n = step+1, the steps counted from 1, and W = max(Warmup, 1):
//
//	n ≤ W         Peak·n/W
//	cosine        Floor + ½(Peak−Floor)(1 + cos π·x),  x = (n−W)/(Steps−W)
//	linear        Peak − (Peak−Floor)·x
//	inverse_sqrt  Peak·√(W/n)                          (Vaswani et al. 2017, rescaled to reach Peak)
//	wsd           Peak, then linearly to Floor over the last Decay steps  (Hu et al. 2024)
//
// So the peak is the rate of step n = W, and the floor, where there is one, that of n = Steps.
func (s Schedule) At(step int) float64 {
	n, warmup := step+1, max(s.Warmup, 1)
	if n <= warmup {
		return s.Peak * float64(n) / float64(warmup)
	}
	x := 1.0
	if n < s.Steps {
		x = float64(n-warmup) / float64(s.Steps-warmup)
	}
	switch s.Kind {
	case "cosine":
		return s.Floor + 0.5*(s.Peak-s.Floor)*(1+math.Cos(math.Pi*x))
	case "linear":
		return s.Floor + (s.Peak-s.Floor)*(1-x)
	case "constant":
		return s.Peak
	case "inverse_sqrt":
		return s.Peak * math.Sqrt(float64(warmup)/float64(n))
	case "wsd":
		left := max(s.Steps-n, 0)
		if left >= s.Decay {
			return s.Peak
		}
		return s.Floor + (s.Peak-s.Floor)*float64(left)/float64(s.Decay)
	}
	panic("optim: unknown schedule")
}
