package metrics

import (
	"strings"
	"unicode"
)

// units are the words or characters of a text. Unit i is text[begin[i]:end[i]]; an n-gram is the text from one unit's
// begin to another's end.
type units struct {
	text       string
	begin, end []int
}

// wordsOf are the given words.
func wordsOf(words []string) units {
	u := units{text: strings.Join(words, " ")}
	at := 0
	for _, w := range words {
		u.begin = append(u.begin, at)
		u.end = append(u.end, at+len(w))
		at += len(w) + 1
	}
	return u
}

// charactersOf are a text's characters without white space.
func charactersOf(text string) units {
	u := units{text: strings.Join(strings.FieldsFunc(text, isSpace), "")}
	for at := range u.text {
		if at > 0 {
			u.end = append(u.end, at)
		}
		u.begin = append(u.begin, at)
	}
	if len(u.begin) > 0 {
		u.end = append(u.end, len(u.text))
	}
	return u
}

// isSpace reports white space as Python's str.split does, which published scores depend on: that of Unicode, and four
// separators of ASCII.
func isSpace(r rune) bool { return unicode.IsSpace(r) || 0x1C <= r && r <= 0x1F }

func (u units) len() int { return len(u.begin) }

// grams counts the n-grams.
func (u units) grams(n int) map[string]int {
	counts := map[string]int{}
	for i := 0; i+n <= u.len(); i++ {
		counts[u.text[u.begin[i]:u.end[i+n-1]]]++
	}
	return counts
}

// total is the number of n-grams.
func (u units) total(n int) int { return max(0, u.len()-n+1) }

// shared is the sum over n-grams of the smaller of two counts.
func shared(a, b map[string]int) int {
	n := 0
	for gram, count := range a {
		n += min(count, b[gram])
	}
	return n
}
