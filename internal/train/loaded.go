package train

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"dmtrain/internal/backend"
	"dmtrain/internal/checkpoint"
	"dmtrain/internal/config"
	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
	"dmtrain/internal/model"
	"dmtrain/internal/tokenizer"
)

// settingsFile is the run's configuration inside each checkpoint, so that a checkpoint can leave its run.
const settingsFile = "dmtrain.yaml"

// Source names a saved model: a checkpoint of a run, or a directory.
type Source struct {
	Run        string // run directory
	Which      string // best, last or a step; empty: best, or last where none is best
	Checkpoint string // directory of a checkpoint, or of any GPT-2 in Hugging Face's format; instead of Run
	Device     string
}

// Loaded is a saved model, ready to be evaluated or sampled from.
type Loaded struct {
	Dir       string
	Step      int
	Model     *model.Model
	Tokenizer tokenizer.Tokenizer
	Config    config.Config // of its training; the defaults for a model that is not ours
	Ours      bool          // Config is of its training
	Backend   kernels.Backend
	Warnings  []string // about what was read

	data   uint32 // checksum of the text of its training
	old    bool   // that was split when it had tokens
	bestOf int    // evaluations that it was chosen from; 0: it is not a run's best
}

// unused warns of tensors that are no part of the model.
func unused(saved *checkpoint.Saved, params *graph.Params) []string {
	names := saved.Unused(params)
	if len(names) == 0 {
		return nil
	}
	const shown = 3
	list := strings.Join(names[:min(shown, len(names))], ", ")
	if len(names) > shown {
		list += ", …"
	}
	return []string{fmt.Sprintf("%s: %d tensors of model.safetensors are no part of the model that config.json describes and are left out: %s", saved.Dir, len(names), list)}
}

// Load opens a saved model. Close it when done.
func Load(src Source) (_ *Loaded, err error) {
	saved, err := src.open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, saved.Close()) }()
	shape, err := saved.Shape()
	if err != nil {
		return nil, err
	}
	if shape.Encoder {
		return nil, fmt.Errorf("%s: an encoder–decoder: try \"dmtrain translate\" or \"dmtrain eval\"", saved.Dir)
	}
	l := &Loaded{Dir: saved.Dir, Step: saved.State.Step}
	if err := l.settings(saved); err != nil {
		return nil, err
	}
	l.data, l.old = splitTokens(saved, l.Config)
	l.bestOf = src.bestOf(saved)
	if l.Tokenizer, err = tokenizer.Load(saved.Files()); err != nil {
		return nil, fmt.Errorf("%s: %w", saved.Dir, err)
	}
	if l.Backend, err = backend.Open(src.Device); err != nil {
		return nil, err
	}
	if l.Model, err = saved.Model(l.Backend, false); err != nil {
		return nil, errors.Join(err, l.Backend.Close())
	}
	l.Warnings = unused(saved, l.Model.Params)
	if l.Tokenizer.Vocab() > l.Model.Vocab {
		return nil, errors.Join(fmt.Errorf("%s: the tokenizer has %d tokens, the model only %d", saved.Dir, l.Tokenizer.Vocab(), l.Model.Vocab), l.Backend.Close())
	}
	return l, nil
}

// open finds and verifies the checkpoint.
func (src Source) open() (*checkpoint.Saved, error) {
	if src.Run == "" {
		return checkpoint.LoadModel(src.Checkpoint)
	}
	run, err := checkpoint.ViewRun(src.Run)
	if err != nil {
		return nil, err
	}
	which := src.Which
	if which == "" {
		if which = "best"; !hasBest(run) {
			which = "last"
		}
	}
	saved, err := run.LoadModel(which)
	var d *checkpoint.DamagedError
	if errors.As(err, &d) && d.Intact != "" {
		err = fmt.Errorf("%w: choose it by --checkpoint %s", err, d.Intact)
	}
	return saved, err
}

// hasBest says whether a best checkpoint is there. One that is named but damaged is there: using another in its place without a
// word would be wrong.
func hasBest(run *checkpoint.Run) bool {
	best, err := run.Best()
	if err != nil {
		var d *checkpoint.DamagedError
		return errors.As(err, &d)
	}
	_, err = run.Find(fmt.Sprint(best))
	return err == nil
}

// settings reads the configuration of the model's training, where there is one.
func (l *Loaded) settings(saved *checkpoint.Saved) error {
	l.Config = config.Default()
	text, err := fs.ReadFile(saved.Files(), settingsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	file, err := config.Parse(settingsFile, text)
	if err != nil {
		return fmt.Errorf("%s: %w", saved.Dir, err)
	}
	if l.Config, err = file.Config(); err != nil {
		return fmt.Errorf("%s: %w", saved.Dir, err)
	}
	l.Ours = true
	return nil
}

// Close gives the model's memory back.
func (l *Loaded) Close() error {
	l.Model.Free()
	return l.Backend.Close()
}
