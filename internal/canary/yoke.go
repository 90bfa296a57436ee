package canary

import (
	"errors"
	"os"
	"path/filepath"

	"dmtrain/internal/checkpoint"
	"dmtrain/internal/config"
	"dmtrain/internal/mask"
	"dmtrain/internal/metrics"
)

// writeYoke writes the openness that control yoked replays: that of the run which the configuration names, resampled
// to the steps of s, or from closed to open if there is no such run.
func writeYoke(s, was config.Config) (err error) {
	if s.Mask.Control != mask.ControlYoked {
		return nil
	}
	var opened [][]float64
	for r, err := range metrics.ReadFile(filepath.Join(was.Mask.YokedTo, checkpoint.MetricsFile)) {
		if err != nil {
			break
		}
		if r.Step != nil && r.Step.Mask != nil {
			opened = append(opened, r.Step.Mask.Openness)
		}
	}
	if err := os.MkdirAll(s.Mask.YokedTo, 0o755); err != nil {
		return err
	}
	log, err := metrics.OpenLog(filepath.Join(s.Mask.YokedTo, checkpoint.MetricsFile), 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	for step := range s.Train.Steps {
		u := make([]float64, s.Mask.Buckets)
		for i := range u {
			u[i] = float64(step) / float64(s.Train.Steps)
		}
		if len(opened) > 0 {
			u = opened[step*len(opened)/s.Train.Steps]
		}
		if err := log.Write(&metrics.Step{Step: step + 1, Mask: &mask.Record{Openness: u}}); err != nil {
			return err
		}
	}
	return nil
}
