package checkpoint

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dmtrain/internal/tensor"
)

// The configuration OpenAI's smallest GPT-2 is published with.
const publishedConfig = `{
  "activation_function": "gelu_new", "architectures": ["GPT2LMHeadModel"], "attn_pdrop": 0.1,
  "bos_token_id": 50256, "embd_pdrop": 0.1, "eos_token_id": 50256, "initializer_range": 0.02,
  "layer_norm_epsilon": 1e-05, "model_type": "gpt2", "n_ctx": 1024, "n_embd": 768, "n_head": 12,
  "n_layer": 12, "n_positions": 1024, "resid_pdrop": 0.1, "summary_activation": null,
  "summary_first_dropout": 0.1, "summary_proj_to_labels": true, "summary_type": "cls_index",
  "summary_use_proj": true, "task_specific_params": {"text-generation": {"do_sample": true, "max_length": 50}},
  "vocab_size": 50257
}`

func TestPublishedConfig(t *testing.T) {
	want := GPT2Config{
		Vocab:   50257,
		Context: 1024,
		Layers:  12,
		Heads:   12,
		Dim:     768,
		Dropout: 0.1,
		Begin:   50256,
		End:     50256,
	}
	for name, text := range map[string]string{
		"published": publishedConfig,
		"defaults":  `{"model_type":"gpt2","bos_token_id":50256,"eos_token_id":50256}`,
	} {
		var got GPT2Config
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestConfigKeysAreTransformersKeys(t *testing.T) {
	text, err := json.Marshal(GPT2Config{
		Vocab:   300,
		Context: 64,
		Layers:  2,
		Heads:   4,
		Dim:     32,
		Dropout: 0.25,
		Begin:   -1,
		End:     0,
	})
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"architectures": []any{"GPT2LMHeadModel"}, "model_type": "gpt2", "vocab_size": 300.0, "n_positions": 64.0,
		"n_ctx":  64.0,
		"n_embd": 32.0, "n_layer": 2.0, "n_head": 4.0, "n_inner": nil, "activation_function": "gelu_new",
		"layer_norm_epsilon": 1e-5, "embd_pdrop": 0.25, "attn_pdrop": 0.25, "resid_pdrop": 0.25,
		"initializer_range":  0.02,
		"scale_attn_weights": true, "scale_attn_by_inverse_layer_idx": false, "reorder_and_upcast_attn": false,
		"add_cross_attention": false, "tie_word_embeddings": true, "use_cache": true,
		"bos_token_id": nil, "eos_token_id": 0.0, "torch_dtype": "float32",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestConfigsOfOtherModelsAreRefused(t *testing.T) {
	for change, want := range map[string]string{
		`"model_type":"llama"`:                   `model_type: "llama"`,
		`"model_type":null`:                      `model_type: ""`,
		`"activation_function":"relu"`:           `activation_function: "relu"`,
		`"layer_norm_epsilon":1e-6`:              `layer_norm_epsilon: 1e-06`,
		`"n_inner":100`:                          `n_inner: 100`,
		`"scale_attn_weights":false`:             `scale_attn_weights`,
		`"scale_attn_by_inverse_layer_idx":true`: `scale_attn_by_inverse_layer_idx`,
		`"add_cross_attention":true`:             `add_cross_attention`,
		`"tie_word_embeddings":false`:            `tie_word_embeddings`,
		`"n_head":0`:                             `n_head: 0`,
		`"vocab_size":-1`:                        `vocab_size: -1`,
		`"n_embd":770`:                           `n_embd: 770 is not supported, only multiples of n_head 12`,
		`"n_layer":"two"`:                        `n_layer`,
		`"n_layer":1000000000`:                   `n_layer: 1000000000 is not supported, only up to 4095`,
		`"n_layer":0,"activation_function":"relu"`: `activation_function: "relu" is not supported, only the tanh ` +
			`form of GELU, "gelu_new"; n_layer: 0`,
	} {
		text := `{"model_type":"gpt2",` + change + `}`
		if change == `"model_type":null` {
			text = `{}`
		}
		var c GPT2Config
		if err := json.Unmarshal([]byte(text), &c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", change, err, want)
		}
	}
}

// foreign writes a model directory as others publish one.
func foreign(t *testing.T, config string, tensors ...Tensor) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, configName), []byte(config))
	if tensors != nil {
		write(t, filepath.Join(dir, modelName), encoded(t, tensors, formatMetadata))
	}
	return dir
}

func half(name string, dtype DType, bits ...uint16) Tensor {
	var data []byte
	for _, b := range bits {
		data = binary.LittleEndian.AppendUint16(data, b)
	}
	return rawTensor(name, dtype, tensor.Shape{len(bits)}, data)
}

func TestParameterNamesOfPublishedModels(t *testing.T) {
	for _, prefix := range []string{"", "transformer."} {
		dir := foreign(t, publishedConfig,
			Float32(prefix+"wte.weight", tensor.Shape{2, 1}, []float32{1, 2}),
			half(prefix+"wpe.weight", BF16, 0x3f80, 0xc000),
			half(prefix+"h.0.ln_1.weight", F16, 0x3c00, 0xc000),
			Float32(prefix+"h.0.attn.c_attn.bias", tensor.Shape{3}, []float32{1, 2, 3}),
			Float32(prefix+"h.0.attn.bias", tensor.Shape{1, 1, 2, 2}, []float32{1, 0, 1, 1}),
			rawTensor(prefix+"h.11.attn.bias", Bool, tensor.Shape{1}, []byte{1}),
			Float32(prefix+"h.0.attn.masked_bias", tensor.Shape{}, []float32{-1e4}),
			Float32(prefix+"ln_f.bias", tensor.Shape{1}, []float32{5}),
			Float32("lm_head.weight", tensor.Shape{2, 1}, []float32{1, 2}),
			Float32("mask_fill.weight", tensor.Shape{1}, []float32{0}),
		)
		s, err := LoadModel(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		got := map[string][]float32{}
		for _, info := range s.Params.Infos() {
			if got[info.Name], err = s.Params.Float32s(info.Name); err != nil {
				t.Error(err)
			}
		}
		want := map[string][]float32{
			"transformer.wte.weight": {1, 2}, "transformer.wpe.weight": {1, -2}, "transformer.h.0.ln_1.weight": {1, -2},
			"transformer.h.0.attn.c_attn.bias": {1, 2, 3}, "transformer.ln_f.bias": {5}, "mask_fill.weight": {0},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("prefix %q: %s", prefix, diff)
		}
		if _, err := s.Shape(); err != nil {
			t.Error(err)
		}
	}
}

func TestModelDirectoriesThatCannotBeLoaded(t *testing.T) {
	wte := Float32("wte.weight", tensor.Shape{2}, []float32{1, 2})
	untied := foreign(t, publishedConfig, wte, Float32(headName, tensor.Shape{2}, []float32{1, 3}))
	twice := foreign(t, publishedConfig, wte, Float32(wteName, tensor.Shape{2}, []float32{1, 2}))
	headOnly := foreign(t, publishedConfig, Float32(headName, tensor.Shape{2}, []float32{1, 3}))
	notJSON := foreign(t, `{`, wte)
	torn := foreign(t, publishedConfig, wte)
	path := filepath.Join(torn, modelName)
	write(t, path, slurp(t, path)[:40])
	pickled, sharded := foreign(t, publishedConfig), foreign(t, publishedConfig)
	write(t, filepath.Join(pickled, "pytorch_model.bin"), nil)
	write(t, filepath.Join(sharded, "model.safetensors.index.json"), nil)
	r := newRun(t)
	save(t, r, 1, nil)
	lost := r.StepDir(1)
	if err := os.Remove(filepath.Join(lost, manifestName)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(torn, configName)
	for dir, want := range map[string]string{
		untied: "lm_head.weight differs", twice: "are one parameter", headOnly: `"transformer.wte.weight" is missing`,
		notJSON: "config.json", torn: "model.safetensors", pickled: "pytorch_model.bin is there",
		sharded:     "model.safetensors.index.json is there",
		t.TempDir(): "config.json", r.Dir: filepath.Join(r.Dir, stepsDir), lost: "checksums.json: missing",
		file: "not a directory", filepath.Join(untied, "x"): syscall.ENOENT.Error(),
	} {
		_, err := LoadModel(dir)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), dir) {
			t.Errorf("error %v, want %q and %s", err, want, dir)
		}
	}
}

func TestConfigErrorsNameTheFile(t *testing.T) {
	s, err := LoadModel(foreign(t, `{"model_type":"llama"}`,
		Float32("model.norm.weight", tensor.Shape{1}, []float32{1})))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Shape(); err == nil || !strings.Contains(err.Error(), filepath.Join(s.Dir, configName)) {
		t.Errorf("error %v", err)
	}
	if _, ok := s.Params.Info("model.norm.weight"); !ok {
		t.Error("another architecture's names were changed")
	}
}

func TestATiedOutputMayRepeatTheEmbeddingInAnyType(t *testing.T) {
	dir := foreign(t, publishedConfig, half("wte.weight", BF16, 0x3f80), half("lm_head.weight", BF16, 0x3f80))
	s, err := LoadModel(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if infos := s.Params.Infos(); len(infos) != 1 || infos[0].Name != wteName {
		t.Errorf("tensors %+v", infos)
	}
}

// FuzzConfig: no config.json makes reading panic, and one that is accepted survives being written.
func FuzzConfig(f *testing.F) {
	f.Add([]byte(publishedConfig))
	f.Add([]byte(`{"model_type":"gpt2","n_inner":3072,"bos_token_id":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var c, again GPT2Config
		if json.Unmarshal(text, &c) != nil {
			return
		}
		if c.Heads < 1 || c.Dim%c.Heads != 0 || slices.Min([]int{c.Vocab, c.Context, c.Layers, c.Dim}) < 1 ||
			math.IsNaN(c.Dropout) {
			t.Fatalf("accepted %+v", c)
		}
		out, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		c.Begin, c.End = max(c.Begin, -1), max(c.End, -1)
		if err := json.Unmarshal(out, &again); err != nil || again != c {
			t.Fatalf("%+v became %+v: %v", c, again, err)
		}
	})
}

func TestConfigurationErrorsAreInPlainWords(t *testing.T) {
	for text, want := range map[string]string{
		`{"model_type": "gpt2", "n_embd": [768]}`:            "n_embd: a list is not a whole number",
		`{"model_type": "gpt2", "n_layer": 12.0}`:            "n_layer: 12.0 is not a whole number",
		`{"model_type": "gpt2", "eos_token_id": [50256, 1]}`: "eos_token_id: a list is not a whole number",
		`{"model_type": "gpt2", "resid_pdrop": "0.1"}`:       "resid_pdrop: text is not a number",
		`[]`: "a list is not an object",
	} {
		var c GPT2Config
		if err := json.Unmarshal([]byte(text), &c); err == nil || err.Error() != want {
			t.Errorf("%s: error %v, want %q", text, err, want)
		}
	}
}
