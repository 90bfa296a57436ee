package train

import (
	"errors"
	"testing"

	"dmtrain/internal/config"
	"dmtrain/internal/mask"
	"dmtrain/internal/task"
	"dmtrain/internal/task/fixture"
)

// A leak in the second micro-batch is refused before the first is computed, whether it is in a self mask or a cross
// mask.
func TestStepsAreCertifiedWhole(t *testing.T) {
	ahead := func(b *task.Batch) { b.Plan.Mask.Hi[0]++ }
	read := func(b *task.Batch) { b.Plan.Sources[0].Cross.Hi[0] += 2 }
	for name, c := range map[string]struct {
		config config.Config
		plant  func(*task.Batch)
		by     string
	}{
		"lm":               {fixture.Story(fixture.Tiny()), ahead, mask.ByCertificate},
		"pairs":            {fixture.Waiting(), ahead, mask.ByCertificate},
		"pairs, of source": {fixture.Waiting(), read, mask.ByCross},
	} {
		t.Run(name, func(t *testing.T) {
			c.config.Train.MicroBatch = 2
			c.config.Mask.Form, c.config.Mask.Control = mask.FormNone, mask.ControlFixed
			s, _ := opened(t, openCPU(t, 1), c.config)
			scored := 0
			s.hooks = Hooks{
				Planned: func(b *task.Batch) {
					if b.Rows == s.micro[1].rows {
						c.plant(b)
					}
				},
				Scored: func(*task.Batch) error { scored++; return nil },
			}
			var leak *mask.Leak
			if _, err := s.step(0); !errors.As(err, &leak) || leak.By != c.by {
				t.Errorf("%v", err)
			}
			if len(s.micro) < 2 || scored > 0 {
				t.Errorf("%d of %d micro-batches were computed", scored, len(s.micro))
			}
		})
	}
}
