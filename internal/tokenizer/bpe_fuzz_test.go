package tokenizer

import (
	"bytes"
	"testing"
)

// Any bytes come back as they were, from a vocabulary learnt of anything.
func FuzzPairRoundTrip(f *testing.F) {
	f.Add([]byte("the cat sat on the mat; it's the cat's mat"), []byte("the cats' mats, é and \xff\x00"))
	f.Add([]byte("aaaaaaaa"), bytes.Repeat([]byte("a"), 3*longPiece))
	f.Fuzz(func(t *testing.T, known, text []byte) {
		trainer := NewTrainer()
		trainer.Add(append([]byte("x"), known...))
		tok, err := trainer.Train(400, true)
		if err != nil {
			t.Fatal(err)
		}
		ids, unknown := tok.Encode(nil, text)
		if got := tok.Decode(nil, ids); !bytes.Equal(got, text) || unknown != 0 {
			t.Errorf("%q comes back as %q with %d unknown", text, got, unknown)
		}
		for _, id := range ids {
			if id < 0 || id >= tok.Specials().End {
				t.Errorf("%q has id %d", text, id)
			}
		}
	})
}

// Whatever the files hold, loading a byte pair vocabulary gives an error or a tokenizer that works.
func FuzzPairFiles(f *testing.F) {
	good := trained(f, 280).Files()
	f.Add(good[configName], good[modelName])
	f.Add(good[configName], bytes.Replace(good[modelName], []byte(`"Ġ t"`), []byte(`"t Ġ"`), 1))
	f.Fuzz(func(t *testing.T, config, model []byte) {
		tok, err := FromFiles(map[string][]byte{configName: config, modelName: model})
		if err != nil {
			return
		}
		ids, _ := tok.Encode(nil, []byte("the é\xff"))
		for _, id := range ids {
			if id < 0 || int(id) >= tok.Vocab() {
				t.Fatalf("id %d of %d", id, tok.Vocab())
			}
		}
		if _, err := FromFiles(tok.Files()); err != nil {
			t.Errorf("saved again it doesn't load: %v", err)
		}
	})
}
