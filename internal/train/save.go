package train

import (
	"encoding/json"
	"fmt"
	"maps"

	"dmtrain/internal/checkpoint"
	"dmtrain/internal/data"
)

// texts identifies the text a run is trained on, for a resumed run to see that it is still the same.
type texts struct {
	Train uint32 `json:"train"`
	Valid uint32 `json:"valid"`
}

func textsOf(set *data.Set) texts { return texts{set.Train.Checksum(), set.Valid.Checksum()} }

// save stores everything that has state.
func (s *session) save() (err error) {
	s.at.Version, s.at.Seed, s.at.Evaled, s.at.ElapsedS = s.Version, s.Config.Run.Seed, s.evaled, s.meter.ElapsedS()
	if s.at.MetricsBytes, err = s.log.Sync(); err != nil {
		return err
	}
	if s.at.Mask, err = json.Marshal(s.step.control.Snapshot()); err != nil {
		return fmt.Errorf("the mask controller's state: %w", err)
	}
	if s.at.Data, err = json.Marshal(textsOf(s.set)); err != nil {
		return err
	}
	if s.at.Optimizer, err = json.Marshal(optimizerState{s.step.opt.Taken}); err != nil {
		return err
	}
	m, be := s.step.model, s.be
	_, err = s.run.Save(&checkpoint.Checkpoint{
		State:     s.at,
		Config:    s.gpt2(),
		Model:     checkpoint.ParamTensors(be, m.Params),
		Optimizer: checkpoint.MomentTensors(be, m.Params, s.step.opt.Moment1, s.step.opt.Moment2),
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
	files := maps.Clone(s.set.Tokenizer.Files())
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

// gpt2 is the model's configuration as Hugging Face writes it.
func (s *session) gpt2() checkpoint.GPT2Config {
	m, special := s.step.model, s.set.Tokenizer.Specials()
	return checkpoint.GPT2Config{Vocab: m.Vocab, Context: m.Context, Layers: m.Layers, Heads: m.Heads, Dim: m.Dim,
		Dropout: s.Config.Model.Dropout, Begin: int(special.Begin), End: int(special.End)}
}
