package checkpoint

import (
	"fmt"
	"path/filepath"
	"slices"

	"dmtrain/internal/kernels"
	"dmtrain/internal/model"
	"dmtrain/internal/textio"
)

// Description is the content of a model's config.json.
type Description struct {
	model.Config
	Dropout    float64 // rate in training
	Begin, End int     // special tokens; −1 = none
}

// architecture reads and writes config.json and model.safetensors of one kind of model.
type architecture struct {
	kind    string // model_type
	encoder bool
	read    func(s *Saved) (model.Config, error)
	write   func(d Description) any                 // a value to marshal to config.json
	rename  func(stored *Tensors) (*Tensors, error) // to the model's names; nil if stored under them
}

// architectures are the supported kinds of model.
var architectures = []architecture{
	{gpt2Type, false, readGPT2, writeGPT2, gpt2Parameters},
	{encoderDecoderType, true, readEncoderDecoder, writeEncoderDecoder, nil},
}

// ModelFile is the config.json of a model, for [Checkpoint].Config.
func ModelFile(d Description) any {
	i := slices.IndexFunc(architectures, func(a architecture) bool { return a.encoder == d.Encoder })
	return architectures[i].write(d)
}

// architecture is that of config.json. An unknown one is treated as GPT-2, whose reader explains what is wrong.
func (s *Saved) architecture() (a architecture, known bool, err error) {
	var c struct {
		ModelType string `json:"model_type"`
	}
	if err := textio.UnmarshalJSON(s.Config, &c); err != nil {
		return a, false, fmt.Errorf("%s: %w", configName, err)
	}
	for _, a := range architectures {
		if a.kind == c.ModelType {
			return a, true, nil
		}
	}
	return architectures[0], false, nil
}

// rename gives the stored tensors the names of the model's parameters.
func (s *Saved) rename() error {
	a, known, err := s.architecture()
	if err != nil || !known || a.rename == nil {
		return err
	}
	view, err := a.rename(s.Params)
	if err != nil {
		return err
	}
	s.Params = view
	return nil
}

// Shape reads the model's shape from config.json. It is an error that names the key if this program can't honour one.
func (s *Saved) Shape() (model.Config, error) {
	a, _, err := s.architecture()
	if err != nil {
		return model.Config{}, fmt.Errorf("%s: %w", s.Dir, err)
	}
	c, err := a.read(s)
	if err != nil {
		return c, fmt.Errorf("%s: %w", filepath.Join(s.Dir, configName), err)
	}
	return c, nil
}

// Model loads the saved model on a backend, with gradients if train is set.
func (s *Saved) Model(be kernels.Backend, train bool) (*model.Model, error) {
	c, err := s.Shape()
	if err != nil {
		return nil, err
	}
	m, err := model.New(be, c, train)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Dir, err)
	}
	if err := s.ReadParams(be, m.Params, m.Params.Flat()); err != nil {
		m.Free()
		return nil, err
	}
	return m, nil
}
