package metrics

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// byTable is the longest common subsequence by its definition.
func byTable(a, b []string) int {
	above, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for _, x := range a {
		for j, y := range b {
			if row[j+1] = max(above[j+1], row[j]); x == y {
				row[j+1] = above[j] + 1
			}
		}
		above, row = row, above
	}
	return above[len(b)]
}

func TestLongestCommonIsThatOfTheTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SampledFrom([][]string{{"a"}, {"a", "b"},
			strings.Split("the quick brown fox jumps over a lazy dog again", " ")}).Draw(t, "words")
		text := func(label string) []string {
			n := rapid.IntRange(0, 200).Draw(t, label)
			return rapid.SliceOfN(rapid.SampledFrom(words), n, n).Draw(t, label)
		}
		a, b := text("a"), text("b")
		if got, want := longestCommon(a, b), byTable(a, b); got != want {
			t.Fatalf("%d, want %d", got, want)
		}
	})
}

// Texts of 100,000 words are compared in moments, whether their words repeat or not: by the table it takes minutes.
func TestLongestCommonOfLongTexts(t *testing.T) {
	const n = 100_000
	draw := rand.New(rand.NewPCG(1, 2))
	for _, vocabulary := range []int{1, 1000, n} {
		a, b := make([]string, n), make([]string, n)
		for i := range a {
			a[i], b[i] = fmt.Sprint(draw.IntN(vocabulary)), fmt.Sprint(draw.IntN(vocabulary))
		}
		start := time.Now()
		if got := longestCommon(a, b); got < 1 || vocabulary == 1 && got != n {
			t.Errorf("%d words of %d have %d in common", n, vocabulary, got)
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%d words of %d take %v", n, vocabulary, took)
		}
	}
}
