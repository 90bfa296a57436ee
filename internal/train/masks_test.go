package train

import (
	"reflect"
	"slices"
	"testing"

	"dmtrain/internal/config"
	"dmtrain/internal/mask"
	"dmtrain/internal/maskcheck"
	"dmtrain/internal/task/fixture"
	"dmtrain/internal/task/tasks"
)

// maskcheck plans each row of a step with the same bits as training.
func TestMasksAreThoseOfTraining(t *testing.T) {
	for name, c := range map[string]config.Config{
		"static":   fixture.Tiny(),
		"linear":   fixture.WithMask(mask.FormInput, mask.ControlLinear),
		"adaptive": fixture.WithMask(mask.FormInfill, mask.ControlAdaptive),
		"pairs":    fixture.Pairs(),
		"waiting":  fixture.Waiting(),
	} {
		t.Run(name, func(t *testing.T) {
			if len(c.Data.Train) == 0 {
				c = fixture.Story(c)
			}
			m, err := maskcheck.Open(c, tasks.All())
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			s, _ := opened(t, openCPU(t, 1), c)
			for step := range 12 {
				if _, err := s.step(step); err != nil {
					t.Fatal(err)
				}
				open, known := m.Openness(step)
				if c.Mask.Control == mask.ControlAdaptive {
					var r mask.Record
					s.control.Record(&r, s.stats)
					open = slices.Clone(r.Openness)
				} else if !known {
					t.Fatal("the openness of a schedule is not known")
				}
				compareRows(t, m, s, step, open)
			}
		})
	}
}

func compareRows(t *testing.T, m *maskcheck.Masks, s *stepper, step int, open []float64) {
	t.Helper()
	whole := s.micro[0]
	n := whole.rows.T
	for r := range m.Height(step) {
		row := m.Row(step, r, open)
		rows, p := row.Batch, &row.Plan
		from, to := r*n, (r+1)*n
		for _, pair := range [][2]any{
			{rows.IDs, whole.rows.IDs[from:to]}, {p.Hidden, whole.plan.Hidden[from:to]},
			{p.Targets, whole.plan.Targets[from:to]},
			{p.Mask.Pos, whole.plan.Mask.Pos[from:to]}, {p.Mask.Lo, whole.plan.Mask.Lo[from:to]},
			{p.Mask.Hi, whole.plan.Mask.Hi[from:to]},
		} {
			if !reflect.DeepEqual(pair[0], pair[1]) {
				t.Fatalf("step %d, row %d: planned alone %v, in training %v", step, r, pair[0], pair[1])
			}
		}
	}
}
