package train

import (
	"encoding/json"
	"fmt"
	"maps"

	"dmtrain/internal/checkpoint"
)

// texts identifies the text a run is trained on, for a resumed run to see that it is still the same.
type texts struct {
	Train uint32 `json:"train"`
	Valid uint32 `json:"valid"`
}

// save stores everything that has state.
func (s *session) save() (err error) {
	s.at.Version, s.at.Seed, s.at.Evaled, s.at.ElapsedS = s.Version, s.Config.Run.Seed, s.evaled, s.meter.ElapsedS()
	if s.at.MetricsBytes, err = s.log.Sync(); err != nil {
		return err
	}
	if s.at.Mask, err = json.Marshal(s.step.control.Snapshot()); err != nil {
		return fmt.Errorf("the mask controller's state: %w", err)
	}
	if s.at.Data, err = json.Marshal(s.texts); err != nil {
		return err
	}
	if s.at.Optimizer, err = json.Marshal(optimizerState{s.step.opt.Taken}); err != nil {
		return err
	}
	m, be := s.step.params, s.be
	_, err = s.run.Save(&checkpoint.Checkpoint{
		State:     s.at,
		Config:    s.corpus.modelFile(),
		Model:     checkpoint.ParamTensors(be, m),
		Optimizer: checkpoint.MomentTensors(be, m, s.step.opt.Moment1, s.step.opt.Moment2),
		Files:     s.files(),
	})
	if err != nil {
		return err
	}
	s.saved = s.at.Step
	s.meter.Resume()
	return s.run.Prune(s.Config.Train.Keep)
}

// files are the tokenizer's and the configuration.
func (s *session) files() map[string][]byte {
	files := maps.Clone(s.corpus.tokenizer().Files())
	files[settingsFile] = s.settings()
	return files
}

// settings is the resolved configuration.
func (s *session) settings() []byte {
	return s.Config.YAML(fmt.Sprintf("The resolved configuration of this run, by dmtrain %s.", s.Version))
}

// optimizerState is what AdamW has besides its moments.
type optimizerState struct {
	Taken int `json:"taken"` // successful steps
}
