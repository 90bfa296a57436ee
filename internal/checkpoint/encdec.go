package checkpoint

import (
	"fmt"
	"path/filepath"

	"dmtrain/internal/kernels"
	"dmtrain/internal/model"
	"dmtrain/internal/textio"
)

// encoderDecoderType is model_type of an encoder–decoder's config.json.
const encoderDecoderType = "dmtrain_encoder_decoder"

// EncoderDecoderConfig is config.json of an encoder–decoder.
type EncoderDecoderConfig struct {
	Type          string `json:"model_type"` // set by NewEncoderDecoderConfig
	Vocab         int    `json:"vocab_size"`
	Context       int    `json:"n_positions"`
	Layers        int    `json:"n_layer"` // of each stack
	Heads         int    `json:"n_head"`
	Dim           int    `json:"n_embd"`
	LearnedFill   bool   `json:"learned_fill"`
	CausalEncoder bool   `json:"causal_encoder"`
}

// NewEncoderDecoderConfig describes a model.
func NewEncoderDecoderConfig(c model.EncoderDecoderConfig) EncoderDecoderConfig {
	return EncoderDecoderConfig{encoderDecoderType, c.Vocab, c.Context, c.Layers, c.Heads, c.Dim, c.LearnedFill, c.CausalEncoder}
}

// IsEncoderDecoder says which of the two architectures the model has.
func (s *Saved) IsEncoderDecoder() bool {
	var c EncoderDecoderConfig
	return textio.UnmarshalJSON(s.Config, &c) == nil && c.Type == encoderDecoderType
}

// EncoderDecoder makes the saved model on a backend, without gradients.
func (s *Saved) EncoderDecoder(be kernels.Backend) (*model.EncoderDecoder, error) {
	var c EncoderDecoderConfig
	if err := textio.UnmarshalJSON(s.Config, &c); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(s.Dir, configName), err)
	}
	if c.Type != encoderDecoderType {
		return nil, fmt.Errorf("%s: not an encoder–decoder, which task seq2seq trains", s.Dir)
	}
	m, err := model.NewEncoderDecoder(be, model.EncoderDecoderConfig{Config: model.Config{Vocab: c.Vocab, Context: c.Context, Layers: c.Layers,
		Heads: c.Heads, Dim: c.Dim, LearnedFill: c.LearnedFill}, CausalEncoder: c.CausalEncoder}, false)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Dir, err)
	}
	if err := s.ReadParams(be, m.Params, m.Params.Flat()); err != nil {
		m.Free()
		return nil, err
	}
	return m, nil
}
