package checkpoint

import (
	"fmt"

	"dmtrain/internal/model"
	"dmtrain/internal/textio"
)

// encoderDecoderType is model_type of an encoder–decoder's config.json.
const encoderDecoderType = "dmtrain_encoder_decoder"

// encoderDecoderJSON is config.json of an encoder–decoder.
type encoderDecoderJSON struct {
	Type          string `json:"model_type"`
	Vocab         int    `json:"vocab_size"`
	Context       int    `json:"n_positions"`
	Layers        int    `json:"n_layer"` // of each stack
	Heads         int    `json:"n_head"`
	Dim           int    `json:"n_embd"`
	LearnedFill   bool   `json:"learned_fill"`
	CausalEncoder bool   `json:"causal_encoder"`
}

func writeEncoderDecoder(d Description) any {
	return encoderDecoderJSON{
		Type:          encoderDecoderType,
		Vocab:         d.Vocab,
		Context:       d.Context,
		Layers:        d.Layers,
		Heads:         d.Heads,
		Dim:           d.Dim,
		LearnedFill:   d.LearnedFill,
		CausalEncoder: d.CausalEncoder,
	}
}

func readEncoderDecoder(s *Saved) (model.Config, error) {
	var c encoderDecoderJSON
	if err := textio.UnmarshalJSON(s.Config, &c); err != nil {
		return model.Config{}, err
	}
	if c.Layers > maxLayers {
		return model.Config{}, fmt.Errorf("n_layer: %d is not supported, only up to %d", c.Layers, maxLayers)
	}
	return model.Config{
		Vocab:         c.Vocab,
		Context:       c.Context,
		Layers:        c.Layers,
		Heads:         c.Heads,
		Dim:           c.Dim,
		LearnedFill:   c.LearnedFill,
		Encoder:       true,
		CausalEncoder: c.CausalEncoder,
	}, nil
}
