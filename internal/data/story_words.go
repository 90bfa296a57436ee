package data

import "strings"

// The words of builtin:stories. They are few, so that a small model meets each one often.

func (t *teller) girl() who {
	return who{t.pick("Mia", "Anna", "Lily", "Zoe", "Nora", "Emma", "Ruth", "Clara"), she}
}

func (t *teller) boy() who {
	return who{t.pick("Tom", "Ben", "Sam", "Max", "Leo", "Jack", "Finn", "Oscar"), he}
}

func (t *teller) child() who {
	if t.chance(2) {
		return t.girl()
	}
	return t.boy()
}

// beast is an animal that speaks.
func (t *teller) beast() who {
	return who{"the " + t.pick("little fox", "small bear", "grey rabbit", "young duck", "brown mouse", "old owl",
		"green frog", "black cat"), it}
}

// protagonist begins a story: it casts {hero}, a child, an animal or two children, and {elder}, who cares for
// {hero.him}.
func (t *teller) protagonist() {
	t.someDay()
	switch t.below(6) {
	case 0:
		t.beastHero()
	case 1:
		girl, boy := t.girl(), t.boy()
		t.cast("hero", who{girl.name + " and " + boy.name, they})
		t.say("{hero} were good friends.", "once there were two friends, {hero}.",
			"{hero} lived in the same [street|village].")
	default:
		t.childHero()
	}
	t.family()
}

// single is protagonist without the pairs.
func (t *teller) single() {
	t.someDay()
	if t.chance(5) {
		t.beastHero()
	} else {
		t.childHero()
	}
	t.family()
}

func (t *teller) someDay() {
	t.set("day", "one morning", "one day", "one afternoon", "on Sunday", "last summer")
}

func (t *teller) childHero() {
	if t.chance(2) {
		t.cast("hero", t.girl())
		t.set("kind", "girl")
	} else {
		t.cast("hero", t.boy())
		t.set("kind", "boy")
	}
	t.say("once upon a time there was a [little |]{kind} named {hero}.",
		"{hero} was a [kind|brave|small|curious|cheerful] {kind}.",
		"there once was a {kind} called {hero} who lived [by the sea|near the wood|on a farm|in a small house].",
		"{hero} lived with {hero.his} [mother|father|grandma] [in a small house|on a farm|near the wood].")
}

func (t *teller) beastHero() {
	t.cast("hero", t.beast())
	t.say("{hero} lived [near the river|in the wood|under an old tree].",
		"once upon a time {hero} lived [near the river|in the wood|behind the hill].",
		"deep in the wood lived {hero}.")
}

func (t *teller) family() {
	switch t.below(4) {
	case 0:
		t.cast("elder", who{t.bound["hero.his"] + " mother", she})
	case 1:
		t.cast("elder", who{t.bound["hero.his"] + " father", he})
	case 2:
		t.cast("elder", who{t.bound["hero.his"] + " grandma", she})
	default:
		t.cast("elder", who{t.bound["hero.his"] + " grandpa", he})
	}
}

// companion casts {friend}, someone other than the hero.
func (t *teller) companion() {
	for {
		w := t.child()
		if t.chance(4) {
			w = t.beast()
		}
		if !strings.Contains(t.bound["hero"], w.name) {
			t.cast("friend", w)
			return
		}
	}
}

// toys can be lost, lent and broken.
func (t *teller) toy() thing {
	return []thing{
		{"ball", false}, {"doll", false}, {"toy boat", false}, {"red hat", false}, {"drum", false},
		{"toy train", false},
		{"umbrella", false}, {"blue cup", false}, {"boots", true}, {"gloves", true}, {"marbles", true},
		{"skates", true},
		{"crayons", true}, {"shells", true},
	}[t.below(14)]
}

// feelings, by what brings them about.
const (
	glad  = "[happy|glad|very happy|full of joy]"
	sad   = "[sad|very sad|upset|full of sorrow]"
	angry = "[angry|cross|very angry]"
	proud = "[proud|very proud]"
	tired = "[tired|very tired|sleepy]"
)
