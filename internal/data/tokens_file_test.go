package data

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestImageHoldsTokensAndDocuments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		vocab := rapid.SampledFrom([]int{300, 1 << 16, 1<<16 + 1, 1 << 20}).Draw(t, "vocab")
		documents := rapid.SliceOf(rapid.SliceOfN(rapid.Int32Range(0, int32(vocab-1)), 0, 9)).Draw(t, "documents")
		m := tokensFileOf(t, vocab, documents...)
		var all []int32
		var starts, owner []int
		for _, d := range documents {
			if len(d) > 0 { // an empty one leaves no trace
				starts = append(starts, len(all))
			}
			for range d {
				owner = append(owner, len(starts)-1)
			}
			all = append(all, d...)
		}
		if m.len() != len(all) || m.documents() != len(starts) {
			t.Fatalf("%d tokens in %d documents, want %d in %d", m.len(), m.documents(), len(all), len(starts))
		}
		for d, s := range starts {
			if m.start(d) != s {
				t.Errorf("document %d starts at %d, want %d", d, m.start(d), s)
			}
		}
		for i, id := range all {
			if m.token(i) != id || m.document(i) != owner[i] {
				t.Errorf("token %d is %d in document %d, want %d in %d", i, m.token(i), m.document(i), id, owner[i])
			}
		}
		from := rapid.IntRange(0, len(all)).Draw(t, "from")
		got := make([]int32, len(all)-from)
		if m.copy(got, from); !slices.Equal(got, all[from:]) {
			t.Errorf("copy from %d gives %v", from, got)
		}
	})
}

// One altered bit, or one byte lost or added anywhere, makes a tokens file be refused.
func TestDamagedImagesAreRefused(t *testing.T) {
	var b bytes.Buffer
	w := newTokensWriter(&b, 300)
	w.begin()
	w.add(1, 2, 3, 299)
	w.begin()
	w.add(7, 7)
	if err := w.finish(meta{Unknown: 3, Warnings: []string{"w"}}); err != nil {
		t.Fatal(err)
	}
	whole := b.Bytes()
	if _, err := parseTokensFile(whole); err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		for bit := range 8 {
			bad := slices.Clone(whole)
			bad[i] ^= 1 << bit
			if _, err := parseTokensFile(bad); !errors.Is(err, errCorrupt) {
				t.Errorf("bit %d of byte %d altered: error %v", bit, i, err)
			}
		}
		if _, err := parseTokensFile(whole[:i]); !errors.Is(err, errCorrupt) {
			t.Errorf("cut to %d bytes: error %v", i, err)
		}
		if _, err := parseTokensFile(slices.Insert(slices.Clone(whole), i, whole[i])); !errors.Is(err, errCorrupt) {
			t.Errorf("byte %d doubled: error %v", i, err)
		}
	}
}

func FuzzParseImage(f *testing.F) {
	m := func(vocab int) []byte {
		var b bytes.Buffer
		w := newTokensWriter(&b, vocab)
		w.begin()
		w.add(1, 2, 3)
		if err := w.finish(meta{}); err != nil {
			f.Fatal(err)
		}
		return b.Bytes()
	}
	f.Add(m(300))
	f.Add(m(1 << 20))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseTokensFile(b)
		if err != nil {
			return
		}
		for i := range m.len() {
			m.token(i)
			m.document(i)
		}
	})
}
