package data

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"dmtrain/internal/rng"
	"dmtrain/internal/textio"
)

// Names of generated pairs. Parameters follow as in a URL: builtin:dates?n=20000&seed=1&part=train.
const (
	datesName     = builtinPrefix + "dates"
	numbersName   = builtinPrefix + "numbers"
	headlinesName = builtinPrefix + "headlines"
)

const maxGenerated = 1 << 24

// pairBuiltin is a generated set of pairs. Each subject (a day, a number, an event in a town) belongs either to part
// train or to part valid, so that no subject is both trained and validated on, in whatever spelling.
type pairBuiltin struct {
	name  string
	n     int
	seed  uint64
	valid bool
}

func parsePairBuiltin(entry string) (pairBuiltin, error) {
	b := pairBuiltin{n: 20000, seed: 1}
	var query string
	b.name, query, _ = strings.Cut(entry, "?")
	if b.name != datesName && b.name != numbersName && b.name != headlinesName {
		return b, fmt.Errorf("no such pairs (there are %s, %s and %s)", datesName, numbersName, headlinesName)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return b, errors.New("parameters must look like ?n=20000&seed=2&part=valid")
	}
	for key, v := range values {
		switch key {
		case "n":
			if b.n, err = strconv.Atoi(v[0]); err != nil || !textio.IsWhole(v[0]) || b.n < 1 || b.n > maxGenerated {
				return b, fmt.Errorf("n=%s is not a number of pairs (1 to %d)", v[0], maxGenerated)
			}
		case "seed":
			if b.seed, err = strconv.ParseUint(v[0], 10, 64); err != nil || !textio.IsWhole(v[0]) {
				return b, fmt.Errorf("seed=%s is not a seed (a whole number from 0)", v[0])
			}
		case "part":
			if b.valid = v[0] == "valid"; !b.valid && v[0] != "train" {
				return b, fmt.Errorf("part=%s is neither train nor valid", v[0])
			}
		default:
			return b, fmt.Errorf("no parameter %q (there are n, seed and part)", key)
		}
	}
	return b, nil
}

// One subject in heldOut belongs to part valid.
const heldOut = 10

// each generates the pairs.
func (b pairBuiltin) each(keep func(source, target string)) {
	subjects, write := days, spellDate
	switch b.name {
	case numbersName:
		subjects, write = maxNumber+1, spellNumber
	case headlinesName:
		subjects, write = headlines(), writeArticle
	}
	for i, n := uint32(0), 0; n < b.n; i++ {
		subject := rng.Below(b.seed, rng.Corpus, i, 0, 0, subjects)
		if (rng.Below(0, rng.Corpus, uint32(subject), 1, 0, heldOut) == 0) != b.valid {
			continue
		}
		keep(write(subject, func(draw uint32, n int) int { return rng.Below(b.seed, rng.Corpus, i, 2, draw, n) }))
		n++
	}
}

// The days of the years 1700 to 2199.
const (
	firstYear = 1700
	days      = 182621
)

// spellDate writes a day in one of many ways, and in ISO 8601.
func spellDate(day int, draw func(uint32, int) int) (source, target string) {
	t := time.Date(firstYear, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, day)
	d, m, y := t.Day(), t.Month().String(), t.Year()
	if draw(1, 3) == 0 {
		m = m[:3]
	}
	switch draw(0, 10) {
	case 0:
		source = fmt.Sprintf("the %s of %s, %d", ordinal(d), m, y)
	case 1:
		source = fmt.Sprintf("%s %d, %d", m, d, y)
	case 2:
		source = fmt.Sprintf("%d %s %d", d, m, y)
	case 3:
		source = fmt.Sprintf("%s %s %d", m, ordinal(d), y)
	case 4:
		source = fmt.Sprintf("%s, %d %s %d", t.Weekday(), d, m, y)
	case 5:
		source = fmt.Sprintf("%d.%d.%d", d, int(t.Month()), y)
	case 6:
		source = fmt.Sprintf("%04d/%02d/%02d", y, int(t.Month()), d)
	case 7:
		source = fmt.Sprintf("%s the %s, %d", m, ordinal(d), y)
	case 8:
		source = fmt.Sprintf("in %d, on %s %d", y, m, d)
	default:
		source = fmt.Sprintf("%02d-%s-%d", d, m[:3], y)
	}
	if draw(2, 4) == 0 {
		source = strings.ToLower(source)
	}
	return source, t.Format("2006-01-02")
}

func ordinal(n int) string {
	suffix := "th"
	if n/10 != 1 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return strconv.Itoa(n) + suffix
}

const maxNumber = 999_999

// spellNumber turns a number's name into digits, or the other way round.
func spellNumber(n int, draw func(uint32, int) int) (source, target string) {
	if draw(0, 2) == 0 {
		return numberName(n), strconv.Itoa(n)
	}
	return strconv.Itoa(n), numberName(n)
}

// numberName is the English name of a number below a million.
func numberName(n int) string {
	small := strings.Fields("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen " +
		"fifteen sixteen seventeen eighteen nineteen")
	tens := strings.Fields("- - twenty thirty forty fifty sixty seventy eighty ninety")
	switch {
	case n < 20:
		return small[n]
	case n < 100 && n%10 == 0:
		return tens[n/10]
	case n < 100:
		return tens[n/10] + "-" + small[n%10]
	case n < 1000:
		return joinName(small[n/100]+" hundred", " and ", n%100)
	}
	return joinName(numberName(n/1000)+" thousand", " ", n%1000)
}

func joinName(head, between string, rest int) string {
	if rest == 0 {
		return head
	}
	return head + between + numberName(rest)
}
