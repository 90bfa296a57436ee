package data

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"dmtrain/internal/batch"
)

// model is a corpus as plain slices, to hold Corpus against.
type model struct {
	ids        []int32
	first, end []int // of the document of each token
}

func modelOf(documents [][]int32, lo, hi int) model {
	var m model
	for _, d := range documents {
		at := len(m.ids)
		for range d {
			m.first, m.end = append(m.first, max(at, lo)-lo), append(m.end, min(at+len(d), hi)-lo)
		}
		m.ids = append(m.ids, d...)
	}
	return model{m.ids[lo:hi], m.first[lo:hi], m.end[lo:hi]}
}

// drawCorpus is a random split of random documents, beside its model.
func drawCorpus(t *rapid.T, least int) (*Corpus, model) {
	documents := rapid.SliceOfN(rapid.SliceOfN(rapid.Int32Range(0, 256), 1, 12), 1, 12).Draw(t, "documents")
	im := tokensFileOf(t, 257, documents...)
	if im.len() < least {
		t.Skip("too short")
	}
	lo := rapid.IntRange(0, im.len()-least).Draw(t, "lo")
	hi := rapid.IntRange(lo+least, im.len()).Draw(t, "hi")
	tok := byteTokenizer(t, 2)
	c, err := newCorpus(im, lo, hi, tok)
	if err != nil {
		t.Fatal(err)
	}
	return c, modelOf(documents, lo, hi)
}

// checkRow holds a row that starts at index at of a corpus against the corpus's model.
func checkRow(t *rapid.T, rows *batch.Batch, r, at int, m model) {
	for i := range rows.T {
		p, k := r*rows.T+i, at+i
		id, next, start, end := int32(0), int32(-1), int32(-1), int32(-1)
		if k < len(m.ids) {
			id = m.ids[k]
			start, end = int32(max(0, m.first[k]-at)), int32(min(rows.T, m.end[k]-at))
			if k+1 < m.end[k] {
				next = m.ids[k+1]
			}
		}
		if rows.IDs[p] != id || rows.Next[p] != next || rows.Start[p] != start || rows.End[p] != end {
			t.Fatalf("row %d, position %d: id %d next %d in %d…%d, want id %d next %d in %d…%d", r, i,
				rows.IDs[p], rows.Next[p], rows.Start[p], rows.End[p], id, next, start, end)
		}
	}
}

func TestCorpusCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, m := drawCorpus(t, 1)
		documents, targets, bytes := 0, 0, 0
		for k, id := range m.ids {
			if m.first[k] == k {
				documents++
				continue
			}
			targets++
			if id < 256 {
				bytes++
			}
		}
		if c.Len() != len(m.ids) || c.Documents() != documents || c.Targets() != targets || c.Bytes() != bytes {
			t.Errorf("%d tokens, %d documents, %d targets, %d bytes; want %d, %d, %d, %d",
				c.Len(), c.Documents(), c.Targets(), c.Bytes(), len(m.ids), documents, targets, bytes)
		}
	})
}

func TestUnigramEntropy(t *testing.T) {
	for _, c := range []struct {
		ids  []int32
		want float64
	}{
		{[]int32{5, 5, 5}, 0},
		{[]int32{0, 1, 2, 3}, math.Log(4)},
		{[]int32{9, 9, 9, 200}, 0.75*math.Log(4.0/3) + 0.25*math.Log(4)},
	} {
		corpus, err := newCorpus(tokensFileOf(t, 257, c.ids), 0, len(c.ids), byteTokenizer(t, 2))
		if err != nil {
			t.Fatal(err)
		}
		if got := corpus.UnigramEntropy(); math.Abs(got-c.want) > 1e-15 {
			t.Errorf("%v: %v, want %v", c.ids, got, c.want)
		}
	}
}

func TestTokensOutsideTheVocabularyAreRefused(t *testing.T) {
	if _, err := newCorpus(tokensFileOf(t, 1000, []int32{1, 257}), 0, 2, byteTokenizer(t, 2)); err == nil {
		t.Error("token 257 of 257 is accepted")
	}
}

func TestWindowsScoreEachTargetOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, m := drawCorpus(t, 1)
		rows := batch.New(rapid.IntRange(1, 5).Draw(t, "B"), rapid.IntRange(1, 9).Draw(t, "T"))
		var ids []int32
		targets := 0
		for rows.First = 0; rows.First < c.Windows(rows.T); rows.First += rows.B {
			c.Window(rows)
			for r := range rows.B {
				checkRow(t, rows, r, (rows.First+r)*rows.T, m)
			}
			for p := range rows.IDs {
				if rows.Start[p] >= 0 {
					ids = append(ids, rows.IDs[p])
				}
				if rows.Next[p] >= 0 {
					targets++
				}
			}
		}
		if !slices.Equal(ids, m.ids) {
			t.Errorf("the windows hold %v, the corpus %v", ids, m.ids)
		}
		if targets != c.Targets() {
			t.Errorf("%d targets in the windows, %d in the corpus", targets, c.Targets())
		}
	})
}
