package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"dmtrain/internal/model"
	"dmtrain/internal/textio"
)

// GPT2Config is the variable part of a Hugging Face GPT-2's config.json. Its JSON has Hugging Face's keys; reading
// refuses models that this program does not compute.
type GPT2Config struct {
	Vocab   int
	Context int // positions the model has embeddings for
	Layers  int
	Heads   int
	Dim     int
	Dropout float64 // embd_pdrop, attn_pdrop and resid_pdrop; on reading, the last

	Begin, End int // bos_token_id, eos_token_id; −1 = none
}

// gpt2Type is model_type of GPT-2's config.json.
const gpt2Type = "gpt2"

func writeGPT2(d Description) any {
	return GPT2Config{
		Vocab:   d.Vocab,
		Context: d.Context,
		Layers:  d.Layers,
		Heads:   d.Heads,
		Dim:     d.Dim,
		Dropout: d.Dropout,
		Begin:   d.Begin,
		End:     d.End,
	}
}

// readGPT2 reads the shape. Whether hidden tokens have a learned fill is seen from the parameters.
func readGPT2(s *Saved) (model.Config, error) {
	var c GPT2Config
	err := textio.UnmarshalJSON(s.Config, &c)
	_, fill := s.Params.Info(model.FillParam)
	return model.Config{
		Vocab:       c.Vocab,
		Context:     c.Context,
		Layers:      c.Layers,
		Heads:       c.Heads,
		Dim:         c.Dim,
		LearnedFill: fill,
	}, err
}

// gpt2JSON is GPT2Config spelled as transformers spells it.
type gpt2JSON struct {
	Architectures      []string `json:"architectures"`
	ModelType          string   `json:"model_type"`
	VocabSize          int      `json:"vocab_size"`
	NPositions         int      `json:"n_positions"`
	NCtx               int      `json:"n_ctx"`
	NEmbd              int      `json:"n_embd"`
	NLayer             int      `json:"n_layer"`
	NHead              int      `json:"n_head"`
	NInner             *int     `json:"n_inner"`
	ActivationFunction string   `json:"activation_function"`
	LayerNormEpsilon   float64  `json:"layer_norm_epsilon"`
	EmbdPdrop          float64  `json:"embd_pdrop"`
	AttnPdrop          float64  `json:"attn_pdrop"`
	ResidPdrop         float64  `json:"resid_pdrop"`
	InitializerRange   float64  `json:"initializer_range"`
	ScaleAttnWeights   bool     `json:"scale_attn_weights"`
	ScaleByLayer       bool     `json:"scale_attn_by_inverse_layer_idx"`
	ReorderAndUpcast   bool     `json:"reorder_and_upcast_attn"`
	CrossAttention     bool     `json:"add_cross_attention"`
	TieWordEmbeddings  bool     `json:"tie_word_embeddings"`
	UseCache           bool     `json:"use_cache"`
	BosTokenID         *int     `json:"bos_token_id"`
	EosTokenID         *int     `json:"eos_token_id"`
	TorchDtype         string   `json:"torch_dtype"`
}

// gpt2Defaults are transformers' values of absent keys.
func gpt2Defaults() gpt2JSON {
	return gpt2JSON{
		Architectures:      []string{"GPT2LMHeadModel"},
		ModelType:          gpt2Type,
		VocabSize:          50257,
		NPositions:         1024,
		NEmbd:              768,
		NLayer:             12,
		NHead:              12,
		ActivationFunction: "gelu_new",
		LayerNormEpsilon:   1e-5,
		EmbdPdrop:          0.1,
		AttnPdrop:          0.1,
		ResidPdrop:         0.1,
		InitializerRange:   0.02,
		ScaleAttnWeights:   true,
		TieWordEmbeddings:  true,
		UseCache:           true,
		TorchDtype:         "float32",
	}
}

// MarshalJSON implements json.Marshaler.
func (c GPT2Config) MarshalJSON() ([]byte, error) {
	j := gpt2Defaults()
	j.VocabSize, j.NPositions, j.NCtx = c.Vocab, c.Context, c.Context
	j.NEmbd, j.NLayer, j.NHead = c.Dim, c.Layers, c.Heads
	j.EmbdPdrop, j.AttnPdrop, j.ResidPdrop = c.Dropout, c.Dropout, c.Dropout
	j.BosTokenID, j.EosTokenID = optional(c.Begin), optional(c.End)
	return json.Marshal(j)
}

// UnmarshalJSON implements json.Unmarshaler.
func (c *GPT2Config) UnmarshalJSON(text []byte) error {
	j := gpt2Defaults()
	j.ModelType = ""
	if err := textio.UnmarshalJSON(text, &j); err != nil {
		return err
	}
	if err := j.check(); err != nil {
		return err
	}
	*c = GPT2Config{
		Vocab:   j.VocabSize,
		Context: j.NPositions,
		Layers:  j.NLayer,
		Heads:   j.NHead,
		Dim:     j.NEmbd,
		Dropout: j.ResidPdrop,
		Begin:   orNone(j.BosTokenID),
		End:     orNone(j.EosTokenID),
	}
	return nil
}

func optional(id int) *int {
	if id < 0 {
		return nil
	}
	return &id
}

func orNone(id *int) int {
	if id == nil {
		return -1
	}
	return *id
}

// check returns an error that lists every unsupported value.
func (j gpt2JSON) check() error {
	var problems []string
	refuse := func(bad bool, key string, got any, want string) {
		if bad {
			problems = append(problems, fmt.Sprintf("%s: %v is not supported, only %s", key, got, want))
		}
	}
	refuse(j.ModelType != gpt2Type, "model_type", fmt.Sprintf("%q", j.ModelType), `"gpt2"`)
	refuse(!slices.Contains([]string{"gelu_new", "gelu_pytorch_tanh", "gelu_fast"}, j.ActivationFunction),
		"activation_function", fmt.Sprintf("%q", j.ActivationFunction), "the tanh form of GELU, \"gelu_new\"")
	refuse(j.LayerNormEpsilon != 1e-5, "layer_norm_epsilon", j.LayerNormEpsilon, "1e-05")
	refuse(j.NInner != nil && *j.NInner != 4*j.NEmbd, "n_inner", orNone(j.NInner), "null, for 4·n_embd")
	refuse(!j.ScaleAttnWeights, "scale_attn_weights", false, "true")
	refuse(j.ScaleByLayer, "scale_attn_by_inverse_layer_idx", true, "false")
	refuse(j.CrossAttention, "add_cross_attention", true, "false")
	refuse(!j.TieWordEmbeddings, "tie_word_embeddings", false, "true")
	for _, size := range []struct {
		key string
		n   int
	}{{"vocab_size", j.VocabSize}, {"n_positions", j.NPositions}, {"n_layer", j.NLayer}, {"n_head", j.NHead},
		{"n_embd", j.NEmbd}} {
		refuse(size.n < 1, size.key, size.n, "1 or more")
	}
	refuse(j.NLayer > maxLayers, "n_layer", j.NLayer, fmt.Sprintf("up to %d", maxLayers))
	refuse(j.NHead > 0 && j.NEmbd%j.NHead != 0, "n_embd", j.NEmbd, fmt.Sprintf("multiples of n_head %d", j.NHead))
	if problems != nil {
		return errors.New(strings.Join(problems, "; "))
	}
	return nil
}

const (
	headName = "lm_head.weight"
	wteName  = "transformer.wte.weight"
)

// gpt2Name maps a stored name to a parameter's, with the prefix "transformer.". It is "" for tensors that are no
// parameters of their own (the causal mask buffer, the tied output).
func gpt2Name(stored string) string {
	bare := strings.TrimPrefix(stored, "transformer.")
	root, rest, _ := strings.Cut(bare, ".")
	if root == "h" && (strings.HasSuffix(rest, ".attn.bias") || strings.HasSuffix(rest, ".attn.masked_bias")) {
		return ""
	}
	if stored == headName {
		return ""
	}
	if slices.Contains([]string{"wte", "wpe", "h", "ln_f"}, root) {
		return "transformer." + bare
	}
	return stored
}

// gpt2Parameters is a view of the stored tensors under this program's names.
func gpt2Parameters(stored *Tensors) (*Tensors, error) {
	t, err := stored.renamed(gpt2Name)
	if err != nil {
		return nil, err
	}
	if _, ok := stored.Info(headName); !ok {
		return t, nil
	}
	head, err := stored.Float32s(headName)
	if err != nil {
		return nil, err
	}
	wte, err := t.Float32s(wteName)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(head, wte) {
		return nil, fmt.Errorf("%s: %s differs from %s: an output not tied to the embedding is not supported", t.file,
			headName, wteName)
	}
	return t, nil
}

// maxLayers exceeds any published model. A larger number comes from a damaged file, and would list too many parameters.
const maxLayers = 4095
