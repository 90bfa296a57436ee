package checkpoint

import (
	"fmt"
	"path/filepath"
	"slices"

	"dmtrain/internal/kernels"
	"dmtrain/internal/model"
	"dmtrain/internal/textio"
)

// Description is what config.json says of a model.
type Description struct {
	model.Config
	Dropout    float64 // of training
	Begin, End int     // special tokens; −1 = none
}

// architecture is how config.json and model.safetensors keep one kind of model.
type architecture struct {
	kind    string // model_type
	encoder bool
	read    func(s *Saved) (model.Config, error)
	write   func(d Description) any                 // as JSON takes it
	rename  func(stored *Tensors) (*Tensors, error) // the tensors under the model's names; nil: they are stored so
}

// architectures are those there are.
var architectures = []architecture{
	{gpt2Type, false, readGPT2, writeGPT2, gpt2Parameters},
	{encoderDecoderType, true, readEncoderDecoder, writeEncoderDecoder, nil},
}

// ModelFile is config.json of a model, for [Checkpoint].Config.
func ModelFile(d Description) any {
	i := slices.IndexFunc(architectures, func(a architecture) bool { return a.encoder == d.Encoder })
	return architectures[i].write(d)
}

// architecture is that of config.json; one that names none of ours is taken for GPT-2, whose reader says what it wants.
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

// Shape is the model's. A key of config.json that this program cannot honour is an error that names it.
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

// Model makes the saved model on a backend. It has gradients if it is to be trained further.
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
