package data

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"dmtrain/internal/rng"
)

// storiesVersion changes with the text of a seed, so that caches of other grammars are not used.
const storiesVersion = 1

// story is story number index of builtin:stories, a function of its arguments alone.
//
// Plots are functions that say one sentence after another, each depending on what happened. What recurs in a story
// (who, what, where) is bound to names once; sentences are templates over the names.
func story(seed uint64, index uint32) string {
	t := &teller{seed: seed, index: index, bound: map[string]string{}}
	plots := [...]func(*teller){
		lostToy, brokenToy, kiteInTree, hungryAnimal, strandedAnimal, rainyWalk, baking, sharing,
		nightNoise, race, garden, lostInFog, tooManySweets, brokenVase, coldNight, market,
	}
	plots[t.below(len(plots))](t)
	return t.text.String()
}

// teller builds a story.
type teller struct {
	seed  uint64
	index uint32
	draws uint32
	bound map[string]string
	text  strings.Builder
}

// below draws from 0 … n−1.
func (t *teller) below(n int) int {
	t.draws++
	return rng.Below(t.seed, rng.Corpus, t.index, 0, t.draws, n)
}

// chance is true with probability 1/n.
func (t *teller) chance(n int) bool { return t.below(n) == 0 }

// pick is one of several words.
func (t *teller) pick(words ...string) string { return words[t.below(len(words))] }

// who is someone a story is about.
type who struct {
	name     string
	pronouns // of he, she, it or they
}

type pronouns struct {
	he, him, his, self string
	plural             bool
}

var (
	he   = pronouns{"he", "him", "his", "himself", false}
	she  = pronouns{"she", "her", "her", "herself", false}
	it   = pronouns{"it", "it", "its", "itself", false}
	they = pronouns{"they", "them", "their", "themselves", true}
)

// thing is something a story is about: a kite, boots.
type thing struct {
	name   string
	plural bool
}

// cast binds someone to a name: {hero}, {hero.he}, {hero.him}, {hero.his}, {hero.self}; what agrees in number (see
// agree); and what is said in the first person: {hero.I}, {hero.me}, {hero.my}, {hero.am}.
func (t *teller) cast(role string, w who) {
	t.bound[role] = w.name
	t.bound[role+".he"], t.bound[role+".him"], t.bound[role+".his"] = w.he, w.him, w.his
	t.bound[role+".self"] = w.self
	t.agree(role, w.plural)
	first := [...]string{"I", "me", "my", "am"}
	if w.plural {
		first = [...]string{"we", "us", "our", "are"}
	}
	t.bound[role+".I"], t.bound[role+".me"], t.bound[role+".my"], t.bound[role+".am"] = first[0], first[1], first[2],
		first[3]
}

// bring binds a thing to a name: {toy}, {toy.a} (a kite, some boots), {toy.it}, {toy.them}; and what agrees in number.
func (t *teller) bring(role string, th thing) {
	t.bound[role] = th.name
	t.agree(role, th.plural)
	if th.plural {
		t.bound[role+".a"], t.bound[role+".it"], t.bound[role+".them"] = "some "+th.name, "they", "them"
		return
	}
	t.bound[role+".a"], t.bound[role+".it"], t.bound[role+".them"] = article(th.name), "it", "it"
}

// agree binds what agrees in number: {hero.was}, {hero.is}, {hero.has} and {hero.s} (she wants, they want).
func (t *teller) agree(role string, plural bool) {
	if plural {
		t.bound[role+".was"], t.bound[role+".is"], t.bound[role+".has"], t.bound[role+".s"] = "were", "are", "have", ""
		return
	}
	t.bound[role+".was"], t.bound[role+".is"], t.bound[role+".has"], t.bound[role+".s"] = "was", "is", "has", "s"
}

// set binds one of several words to a name.
func (t *teller) set(role string, words ...string) { t.bound[role] = t.pick(words...) }

func article(noun string) string {
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}

// say tells one of several sentences (or groups of sentences). In a template, [a|b] is one of several wordings and
// {name} what is bound to a name. Sentences begin with a capital by themselves; {^name} is a capital elsewhere.
func (t *teller) say(templates ...string) {
	s := capitalise(t.expand(t.pick(templates...)))
	if n := t.text.Len(); n > 0 && !strings.HasSuffix(t.text.String(), "\n") {
		t.text.WriteByte(' ')
	}
	t.text.WriteString(s)
}

// pause begins a new paragraph.
func (t *teller) pause() { t.text.WriteByte('\n') }

func (t *teller) expand(template string) string {
	var b strings.Builder
	for {
		at := strings.IndexAny(template, "[{")
		if at < 0 {
			b.WriteString(template)
			return b.String()
		}
		b.WriteString(template[:at])
		if template[at] == '{' {
			end := at + strings.IndexByte(template[at:], '}')
			b.WriteString(t.lookup(template[at+1 : end]))
			template = template[end+1:]
			continue
		}
		wordings, size := alternatives(template[at:])
		b.WriteString(t.expand(t.pick(wordings...)))
		template = template[at+size:]
	}
}

func (t *teller) lookup(name string) string {
	capital := strings.HasPrefix(name, "^")
	word, ok := t.bound[strings.TrimPrefix(name, "^")]
	if !ok {
		panic("data: a story speaks of {" + name + "} before it is bound")
	}
	if capital {
		return upper(word)
	}
	return word
}

// alternatives splits the bracket at the head of a template, and says how long it is.
func alternatives(template string) (wordings []string, size int) {
	depth, from := 0, 1
	for i := range len(template) {
		switch template[i] {
		case '[':
			depth++
		case '|':
			if depth == 1 {
				wordings = append(wordings, template[from:i])
				from = i + 1
			}
		case ']':
			if depth--; depth == 0 {
				return append(wordings, template[from:i]), i + 1
			}
		}
	}
	panic("data: a story's template lacks a ]")
}

// capitalise makes the first letter of every sentence a capital. After a quotation that ends in ! or ? its speaker
// may follow, so there no capital comes by itself.
func capitalise(s string) string {
	out := []rune(s)
	begins := true
	for i, r := range out {
		switch {
		case unicode.IsLetter(r):
			if begins {
				out[i] = unicode.ToUpper(r)
			}
			begins = false
		case r == ' ' && i > 0 && strings.ContainsRune(".!?", out[i-1]):
			begins = true
		case r == ' ' && i > 1 && out[i-1] == '"' && out[i-2] == '.':
			begins = true
		case r == '"' && i > 1 && out[i-1] == ' ' && out[i-2] == '"': // someone answers
			begins = true
		}
	}
	return string(out)
}

func upper(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}
