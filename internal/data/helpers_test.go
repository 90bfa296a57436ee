package data

import (
	"bytes"

	"dmtrain/internal/tokenizer"
)

// fatal is what *testing.T, *testing.B and *rapid.T share.
type fatal interface{ Fatal(args ...any) }

func byteTokenizer(t fatal, documents int) tokenizer.Tokenizer {
	tok, err := tokenizer.New(tokenizer.Config{Kind: "byte"}, &tokenizer.Survey{Documents: documents})
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// tokensFileOf makes a tokens file of documents given as token ids.
func tokensFileOf(t fatal, vocab int, documents ...[]int32) *tokensFile {
	var b bytes.Buffer
	w := newTokensWriter(&b, vocab)
	for _, d := range documents {
		w.begin()
		w.add(d...)
	}
	if err := w.finish(meta{}); err != nil {
		t.Fatal(err)
	}
	m, err := parseTokensFile(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return m
}
