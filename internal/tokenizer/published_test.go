package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// published lays a vocabulary out as GPT-2 is published: end-of-text in the vocabulary and among the added tokens,
// under one id.
func published(t testing.TB, tok *pairTokenizer) map[string][]byte {
	t.Helper()
	m := tok.model()
	m.Model.Vocab[EndOfText] = tok.end
	m.AddedTokens[0].Normalized = true
	m.Model.UnkToken, m.Model.Prefix, m.Model.Suffix = new(""), new(""), new("")
	m.PostProcessor = json.RawMessage(`{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false}`)
	m.PreTokenizer = json.RawMessage(`{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true}`)
	var merges bytes.Buffer
	merges.WriteString("#version: 0.2\n")
	for _, l := range m.Model.Merges {
		fmt.Fprintf(&merges, "%s %s\n", l.left, l.right)
	}
	whole := encodeJSON(m)
	whole = bytes.Replace(whole, []byte(`    "type": "BPE",`+"\n"), nil, 1) // as it was published first
	return map[string][]byte{
		"config.json":            []byte(`{"model_type": "gpt2", "vocab_size": 50257}`),
		"generation_config.json": []byte(`{"bos_token_id": 50256, "eos_token_id": 50256}`),
		"special_tokens_map.json": []byte(`{"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", ` +
			`"unk_token": "<|endoftext|>"}`),
		"tokenizer_config.json": []byte(`{"model_max_length": 1024}`),
		"tokenizer.json":        whole,
		"vocab.json":            encodeJSON(m.Model.Vocab),
		"merges.txt":            merges.Bytes(),
	}
}

func directory(files map[string][]byte) fstest.MapFS {
	dir := fstest.MapFS{}
	for name, b := range files {
		dir[name] = &fstest.MapFile{Data: b}
	}
	return dir
}

// without is a copy of files that lacks some.
func without(files map[string][]byte, names ...string) map[string][]byte {
	files = maps.Clone(files)
	for _, n := range names {
		delete(files, n)
	}
	return files
}

// with is a copy of files with another in place of one.
func with(files map[string][]byte, name, text string) map[string][]byte {
	files = maps.Clone(files)
	files[name] = []byte(text)
	return files
}

// edited is a tokenizer.json in which a key, or one of model, has another value.
func edited(t *testing.T, file []byte, key, value string) []byte {
	t.Helper()
	var m, model map[string]json.RawMessage
	if err := json.Unmarshal(file, &m); err != nil {
		t.Fatal(err)
	}
	if inner, ok := strings.CutPrefix(key, "model."); ok {
		if err := json.Unmarshal(m["model"], &model); err != nil {
			t.Fatal(err)
		}
		model[inner] = json.RawMessage(value)
		m["model"] = encodeJSON(model)
	} else {
		m[key] = json.RawMessage(value)
	}
	return encodeJSON(m)
}

func TestPublishedDirectoriesAreRead(t *testing.T) {
	for name, tok := range map[string]*pairTokenizer{"small": trained(t, 400), "GPT-2": newGPT2(true)} {
		whole := published(t, tok)
		var pairs [][2]string
		for _, l := range tok.model().Model.Merges {
			pairs = append(pairs, [2]string{l.left, l.right})
		}
		for layout, files := range map[string]map[string][]byte{
			"whole":                         whole,
			"without tokenizer_config.json": without(whole, configName),
			"the vocabulary and merges alone": without(whole, configName, modelName, "special_tokens_map.json",
				"generation_config.json"),
			"the vocabulary, merges, config": without(whole, modelName),
			"tokenizer.json alone":           {modelName: whole[modelName]},
			"merges as pairs": with(whole, modelName,
				string(edited(t, whole[modelName], "model.merges", string(encodeJSON(pairs))))),
			"nothing added": with(whole, modelName, string(edited(t, whole[modelName], "added_tokens", "[]"))),
			"today's config": with(whole, configName, `{"add_bos_token": false, "add_prefix_space": false, "bos_token": "<|endoftext|>", "clean_up_tokenization_spaces": false,
				"eos_token": {"__type": "AddedToken", "content": "<|endoftext|>", "lstrip": false}, "errors": "replace", "model_max_length": 1024, "tokenizer_class": "GPT2Tokenizer"}`),
			"a byte order mark": with(whole, modelName, "\uFEFF"+string(whole[modelName])),
		} {
			if name == "GPT-2" && !slices.Contains([]string{"whole", "the vocabulary and merges alone",
				"merges as pairs"}, layout) {
				continue // takes its time
			}
			got, err := Load(directory(files))
			if err != nil {
				t.Errorf("%s, %s: %v", name, layout, err)
				continue
			}
			p := got.(*pairTokenizer)
			if !slices.Equal(p.tokens, tok.tokens) || !slices.Equal(p.merges, tok.merges) ||
				p.specials != tok.specials || p.Vocab() != tok.Vocab() {
				t.Errorf("%s, %s: another tokenizer", name, layout)
			}
		}
	}
}

// End-of-text may be the first token, as other trainers number it.
func TestEndOfTextMayBeFirst(t *testing.T) {
	tok := trained(t, 400)
	m := tok.model()
	for token := range m.Model.Vocab {
		m.Model.Vocab[token]++
	}
	m.Model.Vocab[EndOfText], m.AddedTokens[0].ID = 0, 0
	first, err := Load(directory(map[string][]byte{modelName: encodeJSON(m)}))
	if err != nil {
		t.Fatal(err)
	}
	again, err := FromFiles(first.Files())
	if err != nil {
		t.Fatal(err)
	}
	want, _ := tok.Encode(nil, bpeText(t))
	for name, got := range map[string]Tokenizer{"read": first, "saved and read": again} {
		ids, _ := got.Encode(nil, bpeText(t))
		if !slices.EqualFunc(ids, want, func(a, b int32) bool { return a == b+1 }) || got.Vocab() != tok.Vocab() ||
			got.Specials() != (Specials{}) {
			t.Errorf("%s: other ids, or specials %+v", name, got.Specials())
		}
		if text := got.Decode(nil, append([]int32{0}, ids...)); string(text) != string(bpeText(t)) {
			t.Errorf("%s: decodes to another text", name)
		}
	}
}

// Every section that asks for something that isn't done here is refused by its name; what comes to the same is read.
func TestForeignSections(t *testing.T) {
	tok := trained(t, 400)
	whole := published(t, tok)
	const gpt2Split = `{"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"}, "behavior": "Isolated", "invert": false},
		{"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]}`
	for _, c := range []struct{ key, value, want string }{ // want: the error; empty: read as the same
		{"version", `"1.0"`, ""},
		{"truncation", `{"direction": "Right", "max_length": 512, "strategy": "LongestFirst", "stride": 0}`,
			"truncation: is set, which is not supported (null)"},
		{"padding", `{"strategy": "BatchLongest", "direction": "Right", "pad_id": 0, "pad_token": "<pad>"}`,
			"padding: is set"},
		{"normalizer", `{"type": "Lowercase"}`, "normalizer: Lowercase is not supported (null)"},
		{"normalizer", `{"type": "NFC"}`, "normalizer: NFC is not supported"},
		{"normalizer", `{"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}]}`,
			"normalizer: NFD is not supported"},
		{"normalizer", `{"type": "Sequence", "normalizers": []}`, ""},
		{"normalizer", `"Lowercase"`, "normalizer: text is not an object"},
		{"pre_tokenizer", `null`, "pre_tokenizer: null is not supported"},
		{"pre_tokenizer", `{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"}`,
			"pre_tokenizer: Metaspace is not supported"},
		{"pre_tokenizer", `{"type": "Whitespace"}`, "pre_tokenizer: Whitespace is not supported"},
		{"pre_tokenizer", `{"type": "ByteLevel", "add_prefix_space": true, "use_regex": true}`,
			"pre_tokenizer: add_prefix_space: true is not supported"},
		{"pre_tokenizer", `{"type": "ByteLevel"}`, "pre_tokenizer: add_prefix_space: true is not supported"},
		{"pre_tokenizer", `{"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}`,
			"pre_tokenizer: ByteLevel with use_regex false"},
		{"pre_tokenizer", gpt2Split, ""},
		{"pre_tokenizer", strings.Replace(gpt2Split, `\\p{N}+`, `\\p{N}{1,3}`, 1), "pre_tokenizer: Split by "},
		{"pre_tokenizer", strings.Replace(gpt2Split, "Isolated", "MergedWithPrevious", 1),
			`pre_tokenizer: Split with behavior "MergedWithPrevious"`},
		{"pre_tokenizer", strings.Replace(gpt2Split, `"use_regex": false`, `"use_regex": true`, 1),
			"pre_tokenizer: ByteLevel with use_regex true"},
		{"pre_tokenizer", `{"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": true}, ` +
			`{"type": "ByteLevel", "add_prefix_space": false}]}`, "pre_tokenizer: "},
		{"pre_tokenizer", `{"type": "Sequence", "pretokenizers": [{"type": "ByteLevel", "add_prefix_space": false}]}`, ""},
		{"post_processor", `null`, ""},
		{"post_processor", `{"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<|endoftext|>", ` +
			`"type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}], "pair": []}`,
			"post_processor: TemplateProcessing is not supported"},
		{"post_processor", `{"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}}], ` +
			`"pair": [], "special_tokens": {}}`, ""},
		{"post_processor", `{"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0]}`,
			"post_processor: RobertaProcessing is not supported"},
		{"decoder", `{"type": "Metaspace"}`, "decoder: Metaspace is not supported"},
		{"decoder", `{"type": "Sequence", "decoders": [{"type": "ByteLevel"}]}`, ""},
		{"model.type", `"WordPiece"`, `model.type: "WordPiece" is not supported`},
		{"model.type", `"Unigram"`, `model.type: "Unigram" is not supported`},
		{"model.type", `"BPE"`, ""},
		{"model.dropout", `0.1`, "model.dropout: 0.1 is not supported"},
		{"model.dropout", `0.0`, ""},
		{"model.ignore_merges", `true`, "model.ignore_merges: true is not supported"},
		{"model.end_of_word_suffix", `"</w>"`, `model.end_of_word_suffix: "</w>" is not supported`},
		{"model.continuing_subword_prefix", `"##"`, `model.continuing_subword_prefix: "##" is not supported`},
		{"model.unk_token", `"<|endoftext|>"`, ""}, // never used: every byte is a token
		{"model.merges", `[["a"]]`, "model.merges: [\"a\"] is neither two tokens"},
		{"model.merges", `[7]`, "model.merges: 7 is neither two tokens"},
		{"model.merges", `["Ġ t", ["Ġ", "t"]]`, `model.merges: entry 1: "Ġ" "t" stands there twice`},
		{"model.vocab", `["a", "b"]`, "model.vocab: a list is not an object"},
		{"model.vocab", `{"a": 1.5}`, "model.vocab: 1.5 is not a whole number"},
		{"added_tokens", `[{"id": 399, "content": "<|endoftext|>", "lstrip": true}]`,
			`added_tokens: "<|endoftext|>": single_word, lstrip and rstrip`},
		{"added_tokens", `[{"id": 399, "content": "<|endoftext|>"}, {"id": 400, "content": "<pad>"}]`,
			`added_tokens: "<pad>" is not supported`},
		{"added_tokens", `[{"id": 7, "content": "<|endoftext|>"}]`,
			`added_tokens: "<|endoftext|>" has id 7 where 399 is its place`},
	} {
		got, err := Load(directory(with(whole, modelName, string(edited(t, whole[modelName], c.key, c.value)))))
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s %s: %v", c.key, c.value, err)
		case c.want == "" && !slices.Equal(got.(*pairTokenizer).merges, tok.merges):
			t.Errorf("%s %s: another tokenizer", c.key, c.value)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), "tokenizer.json: "+c.want)):
			t.Errorf("%s %s: error %v, want %q", c.key, c.value, err, c.want)
		}
	}
}

func TestPublishedDirectoriesThatAreNotReadSayWhy(t *testing.T) {
	whole := published(t, trained(t, 400))
	apart := without(whole, modelName)
	for _, c := range []struct {
		files map[string][]byte
		want  string
	}{
		{nil, "vocab.json and merges.txt: missing, and so is tokenizer.json"},
		{without(apart, mergesName), "vocab.json and merges.txt: missing"},
		{with(apart, configName, `{"tokenizer_class": "CTRLTokenizer"}`), `of tokenizer_class "CTRLTokenizer"`},
		{with(whole, modelName, string(whole[vocabName])),
			"tokenizer.json: model.vocab: missing; this is no tokenizer.json"},
		{with(whole, configName, `{"add_prefix_space": true}`),
			"tokenizer_config.json: add_prefix_space: true is not supported"},
		{with(whole, configName, `{"add_bos_token": true}`), "tokenizer_config.json: add_bos_token: true"},
		{with(whole, configName, `{"eos_token": "</s>"}`),
			`tokenizer_config.json: eos_token: "</s>" is not supported, only "<|endoftext|>"`},
		{with(whole, configName, `[]`), "tokenizer_config.json: a list is not an object"},
		{with(whole, configName, `{"dmtrain_kind": "bpe"}`), "dmtrain_version: 0 is not a version"},
		{with(whole, modelName, "version https://git-lfs.github.com/spec/v1\n"),
			"tokenizer.json: not JSON but a Git LFS pointer"},
		{with(apart, mergesName, "#version: 0.2\na b c\n"), `line 2: "a b c" is not two tokens`},
		{with(apart, vocabName, `{"a": 0}`), "added_tokens: must have"},
	} {
		if _, err := Load(directory(c.files)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}
