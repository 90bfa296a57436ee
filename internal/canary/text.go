package canary

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"dmtrain/internal/tokenizer"
)

// text draws random text.
type text struct {
	chain     *chain
	alphabet  []string // the letters as text
	apart     bool     // blanks between the letters, so that byte pairs never join two
	separator string
	documents lengths // of documents, or of targets

	pairs   bool
	sources lengths
	long    int // a source of more letters than this is long

	symbol map[int32]int // letter by token id; filled on demand
}

// letter is the letter of a token, or none.
func (t *text) letter(tok tokenizer.Tokenizer, id int32) int {
	x, ok := t.symbol[id]
	if !ok {
		x = none
		s := strings.TrimSpace(string(tok.Decode(nil, []int32{id})))
		for i, a := range t.alphabet {
			if a == s {
				x = i
			}
		}
		t.symbol[id] = x
	}
	return x
}

// head is the probability of a target's first letter after a source that begins with s and is long with the given
// probability. The target begins with s if s is sure, and otherwise with one of the last two letters, which says
// whether the source is long.
func (t *text) head(s, letter int, long float64) float64 {
	k := t.chain.letters
	switch {
	case s < k/2 && letter == s:
		return 1
	case s >= k/2 && letter == k-1:
		return long
	case s >= k/2 && letter == k-2:
		return 1 - long
	}
	return 0
}

// spell writes letters.
func (t *text) spell(w *bufio.Writer, letters []int) {
	for i, x := range letters {
		if i > 0 && t.apart {
			w.WriteByte(' ')
		}
		w.WriteString(t.alphabet[x])
	}
}

// document are the letters of a document.
func (t *text) document(r *rand.Rand, n int) []int {
	letters, last := make([]int, n), none
	for i := range letters {
		last = t.chain.draw(r, last)
		letters[i] = last
	}
	return letters
}

// pair are the letters of a source and its target.
func (t *text) pair(r *rand.Rand) (source, target []int) {
	k := t.chain.letters
	source = make([]int, t.sources.draw(r))
	for i := range source {
		source[i] = r.IntN(k)
	}
	target = append([]int{k - 2}, t.document(r, t.documents.draw(r)-1)...)
	switch {
	case source[0] < k/2:
		target[0] = source[0]
	case len(source) > t.long:
		target[0] = k - 1
	}
	return source, target
}

// write writes a file of at least the given number of tokens.
func (t *text) write(path string, seed uint64, stream uint64, tokens int) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w, r := bufio.NewWriter(f), rand.New(rand.NewPCG(seed, stream))
	for n := 0; n < tokens; {
		switch {
		case t.pairs:
			source, target := t.pair(r)
			t.spell(w, source)
			w.WriteByte('\t')
			t.spell(w, target)
			w.WriteByte('\n')
			n += len(source) + len(target) + 3
		case t.documents.kind == Single:
			t.spell(w, t.document(r, tokens))
			n = tokens
		default:
			if n > 0 {
				w.WriteString(t.separator)
			}
			letters := t.document(r, t.documents.draw(r))
			t.spell(w, letters)
			n += len(letters) + 2
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return nil
}
