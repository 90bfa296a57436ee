package train

import (
	"fmt"

	"dmtrain/internal/config"
	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/model"
	"dmtrain/internal/optim"
	"dmtrain/internal/recipe"
	"dmtrain/internal/task"
)

// newStepper builds a stepper with freshly initialised parameters.
func newStepper(be kernels.Backend, c config.Config, k task.Task, rows task.Rows, run mask.Run) (*stepper, error) {
	planner, err := mask.NewPlanner(c.Mask, c.Run.Seed, run)
	if err != nil {
		return nil, err
	}
	control, err := mask.NewController(c.Mask, run)
	if err != nil {
		return nil, err
	}
	info := be.Info()
	s := &stepper{
		seed:     c.Run.Seed,
		certify:  c.Mask.Certify,
		measure:  c.Mask.Hides(),
		tileQ:    info.TileQ,
		tileS:    info.TileS,
		be:       be,
		planner:  planner,
		control:  control,
		stats:    control.NewStats(),
		schedule: recipe.Schedule(c.Train),
		rows:     rows,
		arena:    graph.NewArena(be),
		stop:     func() error { return nil },
	}
	if s.model, err = model.New(be, k.Model(c, run.Vocab), true); err != nil {
		return nil, err
	}
	s.model.Init(c.Run.Seed)
	if err := s.record(c); err != nil {
		return nil, err
	}
	return s, s.addOptimizer(c)
}

// addOptimizer makes the optimiser and, with train.ema, the moving average of the parameters.
func (s *stepper) addOptimizer(c config.Config) (err error) {
	s.opt, err = recipe.AdamW(s.be, c.Train, s.model.Params)
	if err == nil && c.Train.EMA > 0 {
		s.average, err = optim.NewAverage(s.be, s.model.Params, c.Train.EMA)
	}
	return err
}

// record records the passes and makes the micro-batches of every shape of step.
func (s *stepper) record(c config.Config) error {
	if err := checkMemory(s.rows.Shapes(), c.Train); err != nil {
		return err
	}
	for _, shape := range s.rows.Shapes() {
		all, err := s.recordShape(c, shape)
		if err != nil {
			return fmt.Errorf("%s: %w (train.micro_batch makes passes smaller)", sizeOf(shape), err)
		}
		s.shapes = append(s.shapes, all)
	}
	return nil
}

func (s *stepper) recordShape(c config.Config, shape task.Shape) (all []*microBatch, err error) {
	rows := passRows(shape, c.Train)
	shape.T = min(shape.T+s.planner.EndRoom(), c.Data.SeqLen)
	o := model.PassOptions{
		B:          rows,
		S:          shape.S,
		T:          shape.T,
		Train:      true,
		Hide:       c.Mask.Hides(),
		HideSource: c.Mask.SourceProb > 0,
		Second:     s.planner.Tagged(),
		Dropout:    float32(c.Model.Dropout),
		EdgeDrop:   float32(c.Mask.EdgeDrop),
		Smoothing:  float32(c.Train.LabelSmoothing),
		Arena:      s.arena,
	}
	pass, err := s.model.NewPass(o)
	if err != nil {
		return nil, err
	}
	var first *model.FirstLook
	if c.Mask.FirstLook() {
		if first, err = s.model.NewFirstLook(o); err != nil {
			return nil, err
		}
	}
	for row := 0; row < shape.Rows; row += rows {
		m := &microBatch{rows: shape.Batch(rows), pass: pass, first: first}
		m.rows.First = row
		all = append(all, m)
	}
	return all, nil
}

// passRows is the number of rows in one pass.
func passRows(shape task.Shape, t config.Train) int {
	if t.MicroBatch > 0 {
		return min(shape.Rows, t.MicroBatch)
	}
	return shape.Rows
}

// sizeOf describes a shape of step, beginning with the key that sets its size.
func sizeOf(s task.Shape) string {
	if s.S == 0 {
		return fmt.Sprintf("train.batch_size: %d rows of %d tokens", s.Rows, s.T)
	}
	return fmt.Sprintf("data.pairs.batch_tokens: %d pairs of %d and %d tokens", s.Rows, s.S, s.T)
}

// Host memory of a step's text and masks, in bytes: batch.Stream has four integers a token, mask.Plan up to eleven and
// a byte.
const (
	tokenBytes = 15*4 + 1
	microBytes = 1024 // a micro-batch besides its tokens, roughly
)

// checkMemory refuses shapes whose text and masks don't fit into the host's memory: a step plans all of its
// micro-batches before it computes any.
func checkMemory(shapes []task.Shape, t config.Train) error {
	need, largest := uint64(0), shapes[0]
	for _, s := range shapes {
		need += uint64(s.Rows)*uint64(s.S+s.T)*tokenBytes + uint64(s.Rows/passRows(s, t))*microBytes
		if s.Rows*(s.S+s.T) > largest.Rows*(largest.S+largest.T) {
			largest = s
		}
	}
	if free, known := hostMemory(); known && need > free {
		return fmt.Errorf("%s: the text and masks of a step need %d MiB, and %d MiB are free", sizeOf(largest),
			need>>20, free>>20)
	}
	return nil
}
