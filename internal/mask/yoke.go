package mask

import (
	"fmt"
	"sort"
)

// Yoke is a run's recorded openness, for replay.
type Yoke struct {
	Steps    []int       // ascending
	Openness [][]float64 // by step, then bucket
}

// Append adds the openness under which a later step was planned.
func (y *Yoke) Append(step int, openness []float64) error {
	if n := len(y.Steps); n > 0 && step <= y.Steps[n-1] {
		return fmt.Errorf("step %d is recorded after step %d", step, y.Steps[n-1])
	}
	y.Steps = append(y.Steps, step)
	y.Openness = append(y.Openness, append([]float64(nil), openness...))
	return nil
}

// fits checks that y can drive a controller with so many buckets.
func (y *Yoke) fits(buckets int) error {
	if len(y.Steps) == 0 {
		return fmt.Errorf("mask.yoked_to: that run recorded no openness")
	}
	for i, u := range y.Openness {
		if len(u) != buckets {
			return fmt.Errorf("mask.buckets: the run yoked to recorded %d at step %d, the configuration has %d", len(u),
				y.Steps[i], buckets)
		}
	}
	return nil
}

// at is the openness last recorded at or before step, and 0 before any.
func (y *Yoke) at(step, bucket int) float64 {
	i := sort.SearchInts(y.Steps, step+1) - 1
	if i < 0 {
		return 0
	}
	return y.Openness[i][bucket]
}
