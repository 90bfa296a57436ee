package generate

import (
	"context"
	"slices"
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/model"
	"dmtrain/internal/rng"
)

// pairVocab is that of the tests' encoder–decoders: the last two tokens are Begin and End.
const pairVocab = 23

// randomPairModel has weights as large as training would make them, so that every path shows.
func randomPairModel(t *testing.T) (kernels.Backend, *model.Model) {
	t.Helper()
	be := openCPU(t)
	return be, randomPairModelOn(t, be)
}

func randomPairModelOn(t *testing.T, be kernels.Backend) *model.Model {
	t.Helper()
	m, err := model.New(be, model.Config{
		Vocab:         pairVocab,
		Context:       24,
		Layers:        2,
		Heads:         2,
		Dim:           16,
		Encoder:       true,
		CausalEncoder: true,
	}, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Free)
	m.Init(5)
	for _, p := range m.Params.All() {
		w := make([]float32, p.Shape.Elems())
		if err := be.Download(w, p.Value()); err != nil {
			t.Fatal(err)
		}
		for i := range w {
			w[i] *= 2.5
		}
		be.Upload(p.Value(), w)
	}
	return m
}

func greedyPairs(n int) Translation {
	return Translation{
		Options: Options{MaxTokens: n, Sampling: Sampling{TopP: 1}, End: pairVocab - 1},
		Beams:   1,
		Batch:   4,
		Begin:   pairVocab - 2,
	}
}

func randomSource(seed uint64, n int) []int32 {
	var ids []int32
	for i := range n {
		ids = append(ids, int32(rng.Below(seed, rng.Probe, 0, 0, uint32(i), pairVocab-2)))
	}
	return append(ids, pairVocab-1)
}

func waitK(k int) mask.Config {
	c := mask.DefaultConfig()
	c.Cross, c.WaitK = mask.CrossWaitK, k
	return c
}

// streamed translates a source word by word, and says how many were read before each target token.
func streamed(t *testing.T, m *model.Model, c mask.Config, source []int32, o Translation) (ids []int32, read []int) {
	t.Helper()
	given := 0
	next := func() (int32, bool) {
		if given == len(source) {
			return 0, false
		}
		given++
		return source[given-1], true
	}
	err := Stream(context.Background(), m, c, next, o, func(n int, id int32) error {
		if n != given {
			t.Errorf("%d source tokens were read, %d given", n, given)
		}
		ids, read = append(ids, id), append(read, n)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids, read
}

func translated(t *testing.T, m *model.Model, c mask.Config, sources [][]int32, o Translation) (ids [][]int32) {
	t.Helper()
	found, _, err := Translate(context.Background(), m, c, sources, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range found {
		ids = append(ids, h[0].IDs)
	}
	return ids
}

// A source that is revealed word by word is translated as one that lies there as a whole, and no more of it is read
// than wait-k allows.
func TestStreamEqualsTheWholeSource(t *testing.T) {
	_, m := randomPairModel(t)
	for _, k := range []int{1, 3, 30} {
		for seed := range uint64(4) {
			source := randomSource(seed, 9)
			ids, read := streamed(t, m, waitK(k), source, greedyPairs(12))
			if want := translated(t, m, waitK(k), [][]int32{source}, greedyPairs(12))[0]; !slices.Equal(ids, want) {
				t.Errorf("wait %d, source %v: %v while reading, %v after it", k, source, ids, want)
			}
			for at, n := range read {
				if n != min(k+at, len(source)) {
					t.Errorf("wait %d: %d read before target %d", k, n, at)
				}
			}
		}
	}
}

// Changing a source word changes nothing that was written before it was read, in a batch as in a stream; and some
// change shows afterwards, or the test could not fail.
func TestUnreadWordsChangeNothingWritten(t *testing.T) {
	const k = 2
	_, m := randomPairModel(t)
	o := greedyPairs(12)
	showed := 0
	for seed := range uint64(4) {
		source := randomSource(seed, 9)
		sources := [][]int32{source}
		for j := range source[:len(source)-1] {
			other := slices.Clone(source)
			other[j] = (other[j] + 7) % (pairVocab - 2)
			sources = append(sources, other)
		}
		batch := translated(t, m, waitK(k), sources, o)
		for j, got := range batch[1:] {
			whilst, _ := streamed(t, m, waitK(k), sources[1+j], o)
			for at, id := range batch[0] {
				if k+at > j { // word j has been read
					break
				}
				if at >= len(got) || got[at] != id || whilst[at] != id {
					t.Errorf("seed %d: word %d is read after target %d, but changed it: %v, was %v", seed, j, at, got,
						batch[0])
				}
			}
			if !slices.Equal(got, batch[0]) {
				showed++
			}
		}
	}
	if showed == 0 {
		t.Error("no change of the source changed any target")
	}
}

func TestOnlyWaitingModelsStream(t *testing.T) {
	_, m := randomPairModel(t)
	none := func() (int32, bool) { return 0, false }
	if err := Stream(context.Background(), m, mask.DefaultConfig(), none, greedyPairs(3), nil); err == nil {
		t.Error("a model that reads the whole source first was streamed from")
	}
	o := greedyPairs(3)
	o.Beams = 2
	if err := Stream(context.Background(), m, waitK(2), none, o, nil); err == nil {
		t.Error("two beams were streamed")
	}
}
