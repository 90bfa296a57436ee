package tokenizer

import (
	"bytes"
	"testing"
	"unicode/utf8"
)

func FuzzByteRoundTrip(f *testing.F) {
	f.Add([]byte("text, é and \xff\x00"))
	f.Fuzz(func(t *testing.T, text []byte) {
		tok := surveyed(t, "byte", "", 2)
		ids, unknown := tok.Encode(nil, text)
		if got := tok.Decode(nil, ids); !bytes.Equal(got, text) || unknown != 0 {
			t.Errorf("%q comes back as %q with %d unknown", text, got, unknown)
		}
	})
}

func FuzzCharRoundTrip(f *testing.F) {
	f.Add("text, é and 😀", "plain")
	f.Fuzz(func(t *testing.T, known, text string) {
		s := &Survey{Documents: 2}
		s.Add([]byte(known))
		s.Add([]byte(text))
		tok, err := New(Config{Kind: "char"}, s)
		if err != nil {
			t.Fatal(err)
		}
		ids, unknown := tok.Encode(nil, []byte(text))
		if unknown != 0 {
			t.Errorf("%d characters of the surveyed text are unknown", unknown)
		}
		if got := tok.Decode(nil, ids); utf8.ValidString(text) && string(got) != text {
			t.Errorf("%q comes back as %q", text, got)
		}
		for _, id := range ids {
			if id < 0 || int(id) >= tok.Vocab()-1 {
				t.Errorf("%q has id %d", text, id)
			}
		}
	})
}

// Whatever the files hold, loading gives an error or a tokenizer that works.
func FuzzFromFiles(f *testing.F) {
	for _, kind := range learnable {
		for _, documents := range []int{1, 2} {
			s := NewSurvey(ofKind(kind))
			s.Documents = documents
			s.Add([]byte("abc é"))
			tok, err := New(ofKind(kind), s)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(tok.Files()[configName], tok.Files()[modelName])
		}
	}
	f.Fuzz(func(t *testing.T, config, model []byte) {
		tok, err := FromFiles(map[string][]byte{configName: config, modelName: model})
		if err != nil {
			return
		}
		ids, _ := tok.Encode(nil, []byte("abc é\xff"))
		for _, id := range ids {
			if id < 0 || int(id) >= tok.Vocab() {
				t.Fatalf("id %d of %d", id, tok.Vocab())
			}
		}
		tok.Decode(nil, append(ids, tok.Specials().Begin, tok.Specials().End))
		if _, err := FromFiles(tok.Files()); err != nil {
			t.Errorf("saved again it doesn't load: %v", err)
		}
	})
}
