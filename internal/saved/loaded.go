// Package saved opens trained models, for evaluation and decoding.
package saved

import (
	"errors"
	"fmt"
	"strings"

	"dmtrain/internal/backend"
	"dmtrain/internal/checkpoint"
	"dmtrain/internal/config"
	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
	"dmtrain/internal/metrics"
	"dmtrain/internal/model"
	"dmtrain/internal/task"
	"dmtrain/internal/tokenizer"
)

// Ref names a saved model: a checkpoint of a run, or a directory.
type Ref struct {
	Run        string // run directory
	Which      string // best, last or a step; empty: best, or last where none is best
	Checkpoint string // directory of a checkpoint, or of any GPT-2 in Hugging Face's format; instead of Run
	Device     string
}

// Model is a saved model, ready for use.
type Model struct {
	*model.Model
	Dir       string
	Step      int
	Tokenizer tokenizer.Tokenizer
	Config    config.Config // of its training; defaults if Ours is false
	Ours      bool          // the model was trained by this program
	Backend   kernels.Backend
	Warnings  []string // about what was read

	task   task.Task
	was    *task.Identity // of its training text; nil if unknown
	bestOf int            // evaluations that it was chosen from; 0 if it is not a run's best
}

// Load opens a saved model. Close it when done.
func Load(ref Ref, tasks task.Table) (_ *Model, err error) {
	s, err := ref.open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	m := &Model{Dir: s.Dir, Step: s.State.Step, bestOf: ref.bestOf(s)}
	if err := m.settings(s, tasks); err != nil {
		return nil, err
	}
	if m.Tokenizer, err = tokenizer.Load(s.Files()); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Dir, err)
	}
	if m.Backend, err = backend.Open(ref.Device); err != nil {
		return nil, err
	}
	if m.Model, err = s.Model(m.Backend, false); err != nil {
		return nil, errors.Join(err, m.Backend.Close())
	}
	m.Config.Data.SeqLen = m.Context
	m.Warnings = unused(s, m.Params)
	if m.Tokenizer.Vocab() > m.Vocab {
		err := fmt.Errorf("%s: the tokenizer has %d tokens, the model only %d", s.Dir, m.Tokenizer.Vocab(), m.Vocab)
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// unused warns of tensors that are not part of the model.
func unused(s *checkpoint.Saved, params *graph.Params) []string {
	names := s.Unused(params)
	if len(names) == 0 {
		return nil
	}
	const shown = 3
	list := strings.Join(names[:min(shown, len(names))], ", ")
	if len(names) > shown {
		list += ", …"
	}
	return []string{fmt.Sprintf("%s: %d tensors of model.safetensors are no part of the model that config.json "+
		"describes and are left out: %s",
		s.Dir, len(names), list)}
}

// open finds and verifies the checkpoint.
func (r Ref) open() (*checkpoint.Saved, error) {
	if r.Run == "" {
		return checkpoint.LoadModel(r.Checkpoint)
	}
	run, err := checkpoint.ViewRun(r.Run)
	if err != nil {
		return nil, err
	}
	which := r.Which
	if which == "" {
		if which = "best"; !hasBest(run) {
			which = "last"
		}
	}
	s, err := run.LoadModel(which)
	var d *checkpoint.DamagedError
	if errors.As(err, &d) && d.Intact != "" {
		err = fmt.Errorf("%w: choose it by --checkpoint %s", err, d.Intact)
	}
	return s, err
}

// hasBest says whether a run has a best checkpoint. A damaged one counts: it must be reported, not silently replaced.
func hasBest(run *checkpoint.Run) bool {
	best, err := run.Best()
	if err != nil {
		var d *checkpoint.DamagedError
		return errors.As(err, &d)
	}
	_, err = run.Find(fmt.Sprint(best))
	return err == nil
}

// bestOf is the number of evaluations that a run's best model was chosen from: 0 if it is not the best, or if unknown.
func (r Ref) bestOf(saved *checkpoint.Saved) int {
	s := saved.State
	if r.Run != "" {
		run, err := checkpoint.ViewRun(r.Run)
		if err != nil {
			return 0
		}
		if s, err = run.LastState(); err != nil {
			return 0 // the last checkpoint may be damaged while the best one is not
		}
		if s.Evals == 0 { // older programs did not count them
			s.Evals, _ = metrics.EvalsIn(run.Path(checkpoint.MetricsFile), s.Step) // stays 0 if the log can't be read
		}
	}
	if s.Best == nil || s.Best.Step != saved.State.Step {
		return 0
	}
	return s.Evals
}

// Close frees the model and its device.
func (m *Model) Close() error {
	m.Free()
	return m.Backend.Close()
}
