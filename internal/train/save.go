package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"dmtrain/internal/checkpoint"
)

// save writes a checkpoint of all state.
func (s *session) save() (err error) {
	s.at.Version, s.at.Seed, s.at.Evaled, s.at.ElapsedS = s.Version, s.Config.Run.Seed, s.evaled, s.meter.ElapsedS()
	if s.at.MetricsBytes, err = s.log.Sync(); err != nil {
		return err
	}
	if s.at.Mask, err = json.Marshal(s.step.control.Snapshot()); err != nil {
		return fmt.Errorf("the mask controller's state: %w", err)
	}
	if s.at.Data, err = json.Marshal(s.text.Identity); err != nil {
		return err
	}
	if s.at.Optimizer, err = json.Marshal(optimizerState{s.step.opt.Taken}); err != nil {
		return err
	}
	model, optimizer := s.tensors()
	_, err = s.run.Save(&checkpoint.Checkpoint{
		State:     s.at,
		Config:    s.modelFile(),
		Model:     model,
		Optimizer: optimizer,
		Files:     s.files(),
	})
	if err != nil {
		return s.diverged(err)
	}
	s.saved, s.due = s.at.Step, false
	s.meter.Resume()
	if s.at.BadInARow > 0 { // an older checkpoint may be the last good one: keep it
		return nil
	}
	return s.run.Prune(s.Config.Train.Keep)
}

// modelFile is the content of config.json.
func (s *session) modelFile() any {
	special := s.text.Tokenizer.Specials()
	return checkpoint.ModelFile(checkpoint.Description{
		Config:  s.step.model.Config,
		Dropout: s.Config.Model.Dropout,
		Begin:   int(special.Begin),
		End:     int(special.End),
	})
}

// diverged explains that the parameters can't be saved, and which checkpoint remains.
func (s *session) diverged(err error) error {
	var bad *checkpoint.NotFiniteError
	if !errors.As(err, &bad) {
		return err
	}
	return fmt.Errorf("stopped at step %d: the run has diverged (%w); %s (a lower train.lr, a longer train.warmup "+
		"or a smaller train.grad_clip may help)", s.at.Step, bad, s.lastSaved())
}

// lastSaved names the checkpoint that the run can be resumed from.
func (s *session) lastSaved() string {
	last, err := s.run.Last()
	if err != nil {
		return "no checkpoint has been saved"
	}
	return fmt.Sprintf("the last checkpoint is that of step %d", last)
}

// tensors are those of the model and those that only training needs. With train.ema the model is the average, and the
// trained parameters go with the optimiser's moments.
func (s *session) tensors() (model, optimizer []checkpoint.Tensor) {
	params, opt := s.step.model.Params, s.step.opt
	optimizer = checkpoint.MomentTensors(s.be, params, opt.Moment1, opt.Moment2)
	if a := s.step.average; a != nil {
		return checkpoint.ParamTensors(s.be, params, a.Mean),
			append(optimizer, checkpoint.TrainedTensors(s.be, params)...)
	}
	return checkpoint.ParamTensors(s.be, params, params.Flat()), optimizer
}

// files are the tokenizer's files and the configuration.
func (s *session) files() map[string][]byte {
	files := maps.Clone(s.text.Tokenizer.Files())
	files[checkpoint.SettingsFile] = s.settings()
	return files
}

// settings is the resolved configuration.
func (s *session) settings() []byte {
	return s.Config.YAML(fmt.Sprintf("The resolved configuration of this run, by dmtrain %s.", s.Version))
}

// optimizerState is AdamW's state besides its moments.
type optimizerState struct {
	Taken int `json:"taken"` // successful steps
}
