package tokenizer

import (
	"fmt"
	"slices"

	"github.com/tiktoken-go/tokenizer/codec"
)

// gpt2Tokens is the size of GPT-2's vocabulary without end-of-text: 256 bytes and 50,000 merges.
const gpt2Tokens = 50256

// newGPT2 is kind gpt2: the vocabulary that OpenAI published with GPT-2 (Radford et al. 2019), byte for byte and id
// for id. With documents, end-of-text begins and ends them.
func newGPT2(documents bool) *pairTokenizer {
	tokens := make([]string, gpt2Tokens+1)
	published := codec.NewR50kBase()
	for id := range gpt2Tokens {
		token, err := published.Decode([]uint{uint(id)})
		if err != nil {
			panic("tokenizer: GPT-2's vocabulary is incomplete")
		}
		tokens[id] = token
	}
	return newPairs("gpt2", tokens, gpt2Tokens, mergesOf(tokens[:gpt2Tokens]), documents)
}

// mergesOf finds the merges of a vocabulary whose ids are in the order of their making, which is how it is
// published: a token's last merge joined the two parts that its bytes come to with the merges before it.
func mergesOf(tokens []string) []pair {
	t := newPairs("gpt2", tokens[:256], -1, nil, false)
	var parts []int32
	for rank, token := range tokens[256:] {
		parts = t.mergeAll(parts[:0], []byte(token))
		if len(parts) != 2 {
			panic("tokenizer: GPT-2's vocabulary is out of order")
		}
		p := pair{parts[0], parts[1]}
		t.merges = append(t.merges, p)
		t.ranks[p] = merge{rank, int32(256 + rank)}
	}
	return t.merges
}

// loadGPT2 makes sure that the file holds GPT-2's vocabulary.
func loadGPT2(m *modelFile, documents bool) (*pairTokenizer, error) {
	got, err := loadPairs(m, documents)
	if err != nil {
		return nil, err
	}
	t := newGPT2(documents)
	if !slices.Equal(got.tokens, t.tokens) || !slices.Equal(got.merges, t.merges) {
		return nil, fmt.Errorf("model: %d tokens and %d merges that are not GPT-2's", len(got.tokens), len(got.merges))
	}
	return t, nil
}
