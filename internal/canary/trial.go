package canary

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"dmtrain/internal/config"
	"dmtrain/internal/mask"
	"dmtrain/internal/metrics"
	"dmtrain/internal/task"
	"dmtrain/internal/train"
)

// trial is a run on random text.
type trial struct {
	config config.Config
	was    config.Config // as configured
	text   *text
	oracle *oracle
	tally  *tally
	leak   *leak // planted; nil for none
	tasks  task.Table

	began, ended time.Time          // of training, the first steps left out
	told         map[string]float64 // nats that the planted leak tells of each target, by kind
}

// leak is planted into a trial's plans.
type leak struct {
	planned func(t *trial, b *task.Batch)
	// prepare may change the configuration before the run, once its text is written.
	prepare func(t *trial) error
}

// settling is how many first steps a measured pace leaves out.
const settling = 3

// validTokens is how much text validates.
const validTokens = 1 << 15

// newTrial makes a run of so many steps.
func newTrial(o Options, shape Shape, steps int, planted *leak) *trial {
	c := o.Config
	s, factor := small(c)
	compress(&s, c, steps)
	t := &trial{
		config: s,
		was:    c,
		text:   shape.text(s, factor, o.pairs()),
		tasks:  o.Tasks,
		tally:  newTally(),
		leak:   planted,
		told:   map[string]float64{},
	}
	if s.Mask.Structure == mask.StructureLookahead {
		t.config.Mask.Certify = false // to be caught by its losses
	}
	t.oracle = &oracle{text: t.text, mask: s.Mask, ends: map[string]ends{}}
	return t
}

// run trains in a directory of its own that goes with the run.
func (t *trial) run(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "dmtrain-canary-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := t.files(dir); err != nil {
		return err
	}
	if t.leak != nil && t.leak.prepare != nil {
		if err := t.leak.prepare(t); err != nil {
			return err
		}
	}
	hooks := train.Hooks{Scored: t.scored, Planned: t.planned}
	return train.Run(ctx, train.Options{
		Config:  t.config,
		Tasks:   t.tasks,
		Version: "canary",
		Console: metrics.NewConsole(metrics.ConsoleOptions{Out: io.Discard, Quiet: true}),
		Hooks:   hooks,
	})
}

// files writes the text. The training text is twice what the run reads, so that little of it is read again.
func (t *trial) files(dir string) error {
	paths(&t.config, dir, t.text.pairs)
	tokens := batchRows * t.config.Data.SeqLen
	if t.text.pairs {
		tokens = t.config.Data.Pairs.BatchTokens
	}
	if err := t.text.write(t.config.Data.Train[0], t.config.Run.Seed, 1,
		2*tokens*(t.config.Train.Steps+1)); err != nil {
		return err
	}
	if err := t.text.write(t.config.Data.Valid[0], t.config.Run.Seed, 2, validTokens); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(t.config.Run.Dir), 0o755); err != nil {
		return err
	}
	return writeYoke(t.config, t.was)
}

func (t *trial) planned(b *task.Batch) {
	if b.Step == settling && t.began.IsZero() {
		t.began = time.Now()
	}
	if t.leak != nil && t.leak.planned != nil {
		t.leak.planned(t, b)
	}
	t.oracle.look(b)
}

// scored compares a batch's losses with their bounds: of the second half of training, and of the evaluation after it.
func (t *trial) scored(b *task.Batch) error {
	steps := t.config.Train.Steps
	if b.Kind == task.BatchTrain {
		t.ended = time.Now()
		if b.Step < steps/2 {
			return nil
		}
	} else if b.Step < steps {
		return nil
	}
	t.oracle.look(b)
	var impossible error
	for row := range b.Rows.B {
		static := b.Kind == task.BatchTrain && b.Plan.Anchor[row] && t.config.Mask.Hides()
		t.oracle.row(b, row, func(p *prediction) {
			nll, bound := float64(b.Out.NLL[p.n]), t.oracle.bound(b, row, p)
			if math.IsInf(bound, 0) || math.IsNaN(bound) {
				impossible = fmt.Errorf("step %d, row %d: the answer at %d can't be, by what random text is like: "+
					"this is a mistake of the canary", b.Step, b.Plan.First+row, p.at)
				return
			}
			k := key{set: b.Kind, kind: p.kind()}
			for _, class := range t.classes(b, p, static) {
				k.class = class
				t.tally.add(k, nll, bound)
			}
		})
		t.tally.endRow()
	}
	return impossible
}

// pace is the time of a step.
func (t *trial) pace() time.Duration {
	return t.ended.Sub(t.began) / time.Duration(max(1, t.config.Train.Steps-settling))
}
