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

// run trains one model on random text and gathers its losses by class of prediction.
type run struct {
	config config.Config
	was    config.Config // as configured
	text   *text
	oracle *oracle
	tally  *tally
	leak   *leak // planted into the plans; nil for none
	tasks  task.Table

	began, ended time.Time          // of training, the first steps left out
	revealed     map[string]float64 // nats that the planted leak reveals a target, by kind
}

// leak is a deliberate fault of the plans, to see whether the canary finds it.
type leak struct {
	planned func(r *run, b *task.Batch)
	// prepare may change the configuration before the run, once its text is written.
	prepare func(r *run) error
}

// warmupSteps are left out of the measured pace.
const warmupSteps = 3

// validTokens is the size of the validation text.
const validTokens = 1 << 15

// newRun prepares a run of some steps; planted may be nil.
func newRun(o Options, shape Shape, steps int, planted *leak) *run {
	c := o.Config
	s, factor := small(c)
	compress(&s, c, steps)
	r := &run{
		config:   s,
		was:      c,
		text:     shape.text(s, factor, o.pairs()),
		tasks:    o.Tasks,
		tally:    newTally(),
		leak:     planted,
		revealed: map[string]float64{},
	}
	if s.Mask.Structure == mask.StructureLookahead {
		r.config.Mask.Certify = false // its losses must show the leak
	}
	r.oracle = &oracle{text: r.text, mask: s.Mask, ends: map[string]ends{}}
	return r
}

// train trains in a temporary directory and removes it.
func (r *run) train(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "dmtrain-canary-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := r.files(dir); err != nil {
		return err
	}
	if r.leak != nil && r.leak.prepare != nil {
		if err := r.leak.prepare(r); err != nil {
			return err
		}
	}
	hooks := train.Hooks{Scored: r.scored, Planned: r.planned}
	return train.Run(ctx, train.Options{
		Config:  r.config,
		Tasks:   r.tasks,
		Version: "canary",
		Console: metrics.NewConsole(metrics.ConsoleOptions{Out: io.Discard, Quiet: true}),
		Hooks:   hooks,
	})
}

// files writes the text. The training text has twice the tokens that the run reads, so that few are read again.
func (r *run) files(dir string) error {
	paths(&r.config, dir, r.text.pairs)
	tokens := batchRows * r.config.Data.SeqLen
	if r.text.pairs {
		tokens = r.config.Data.Pairs.BatchTokens
	}
	if err := r.text.write(r.config.Data.Train[0], r.config.Run.Seed, 1,
		2*tokens*(r.config.Train.Steps+1)); err != nil {
		return err
	}
	if err := r.text.write(r.config.Data.Valid[0], r.config.Run.Seed, 2, validTokens); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(r.config.Run.Dir), 0o755); err != nil {
		return err
	}
	return writeYoke(r.config, r.was)
}

func (r *run) planned(b *task.Batch) {
	if b.Step == warmupSteps && r.began.IsZero() {
		r.began = time.Now()
	}
	if r.leak != nil && r.leak.planned != nil {
		r.leak.planned(r, b)
	}
	r.oracle.observeEnds(b)
}

// scored compares losses with their bounds, in the second half of training and in the evaluation after it.
func (r *run) scored(b *task.Batch) error {
	steps := r.config.Train.Steps
	if b.Kind == task.BatchTrain {
		r.ended = time.Now()
		if b.Step < steps/2 {
			return nil
		}
	} else if b.Step < steps {
		return nil
	}
	r.oracle.observeEnds(b)
	var impossible error
	for row := range b.Rows.B {
		static := b.Kind == task.BatchTrain && b.Plan.Anchor[row] && r.config.Mask.Hides()
		r.oracle.row(b, row, func(p *prediction) {
			nll, bound := float64(b.Out.NLL[p.n]), r.oracle.bound(b, row, p)
			if math.IsInf(bound, 0) || math.IsNaN(bound) {
				impossible = fmt.Errorf("step %d, row %d: the answer at %d has probability 0 in random text: "+
					"this is a mistake of the canary", b.Step, b.Plan.First+row, p.at)
				return
			}
			k := key{set: b.Kind, kind: p.kind()}
			for _, class := range r.classes(b, p, static) {
				k.class = class
				r.tally.add(k, nll, bound)
			}
		})
		r.tally.endRow()
	}
	return impossible
}

// pace is the mean time of a training step.
func (r *run) pace() time.Duration {
	return r.ended.Sub(r.began) / time.Duration(max(1, r.config.Train.Steps-warmupSteps))
}
