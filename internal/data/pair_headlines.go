package data

import (
	"strconv"
	"strings"
)

// The templates of articles. {place}, {day} and {n} belong to the article; {elsewhere}, {then} and {m} to other
// matters, and must not appear in the headline.
var (
	towns = strings.Fields("Ashby Barrow Calder Denby Elton Farley Garth Holme Ilkley Jarrow Kendal Lydney Marlow " +
		"Norton Oakham Penrith Quorn Ripley " +
		"Selby Thirsk Upton Vowley Welby Yarm Alston Bramley Corby Dunster Epping Frome Glossop Hexham Keswick " +
		"Ludlow Malton Newark Ossett Pickering " +
		"Rugby Settle")
	weekdays = strings.Fields("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")

	// events have several leads and one headline.
	events = []struct {
		leads []string
		head  string
	}{
		{[]string{"A fire broke out in a mill at {place} on {day}.",
			"On {day} flames swept through an old mill in {place}."}, "Mill fire in {place}"},
		{[]string{"The river burst its banks at {place} on {day}.",
			"On {day} flood water filled the streets of {place}."}, "Flood hits {place}"},
		{[]string{"Bus drivers in {place} walked out on {day}.",
			"No bus left the depot at {place} on {day}, as drivers stopped work."}, "Bus strike in {place}"},
		{[]string{"Voters in {place} chose a new mayor on {day}.",
			"Since {day} the people of {place} have had another mayor."}, "{place} elects new mayor"},
		{[]string{"A bridge was opened to traffic in {place} on {day}.",
			"On {day} cars crossed the new bridge at {place} for the first time."}, "New bridge opens in {place}"},
		{[]string{"A storm tore roofs from houses in {place} on {day}.",
			"High winds damaged homes at {place} on {day}."}, "Storm damages homes in {place}"},
		{[]string{"Builders came upon Roman coins under a street in {place} on {day}.",
			"On {day} a hoard of Roman coins came to light at {place}."}, "Roman coins found in {place}"},
		{[]string{"The council said on {day} that the only school in {place} will close.",
			"Pupils in {place} heard on {day} that their school is to shut."}, "School to close in {place}"},
		{[]string{"The team of {place} won the cup on {day}.", "On {day} the cup went to {place} after a late goal."},
			"{place} wins cup"},
		{[]string{"A train left the rails near {place} on {day}.",
			"On {day} carriages came off the track outside {place}."}, "Train derails near {place}"},
		{[]string{"A car maker will build a factory in {place}, it said on {day}.",
			"On {day} plans were shown for a car factory at {place}."}, "Car factory planned in {place}"},
		{[]string{"Power failed in {place} on {day}.", "On {day} the lights went out all over {place}."},
			"Power cut in {place}"},
	}

	// figures are a second fact, which the headline takes in from wherever it stands; an article may have none.
	figures = []struct{ told, head string }{
		{"", ""},
		{"Doctors treated {n} people.", ", {n} hurt"},
		{"The cost is put at {n} million pounds.", ", cost {n} million"},
		{"Police held {n} people for a night.", ", {n} arrested"},
	}

	// asides are sentences about other subjects.
	asides = []string{
		"The last time was {m} years ago, in {elsewhere}.",
		"A crowd of {m} came from {elsewhere} to look.",
		"Rain is expected by {then}.",
		"The town lies {m} miles from {elsewhere}.",
		"A meeting in {elsewhere} is planned for {then}.",
		"Nobody could say more before {then}.",
		"The mayor of {elsewhere} sent her good wishes.",
		"Shops will open {m} minutes late.",
	}
)

// headlines is the number of subjects: each event in each town.
func headlines() int { return len(events) * len(towns) }

// writeArticle writes some sentences about a subject, and their headline.
func writeArticle(matter int, draw func(uint32, int) int) (text, headline string) {
	event, place := events[matter/len(towns)], matter%len(towns)
	elsewhere := (place + 1 + draw(0, len(towns)-1)) % len(towns)
	figure := figures[draw(1, len(figures))]
	sentences := []string{asides[draw(2, len(asides))], asides[draw(3, len(asides))]}
	if figure.told != "" {
		sentences = append(sentences, figure.told)
	}
	for i := len(sentences) - 1; i > 0; i-- {
		j := draw(uint32(10+i), i+1)
		sentences[i], sentences[j] = sentences[j], sentences[i]
	}
	lead := draw(4, 3) / 2 // one article in three begins with something else
	sentences = append(sentences[:lead:lead],
		append([]string{event.leads[draw(5, len(event.leads))]}, sentences[lead:]...)...)
	fill := strings.NewReplacer("{place}", towns[place], "{elsewhere}", towns[elsewhere], "{day}", weekdays[draw(6, 7)],
		"{then}", weekdays[draw(7, 7)],
		"{n}", strconv.Itoa(2+draw(8, 98)), "{m}", strconv.Itoa(2+draw(9, 98)))
	return fill.Replace(strings.Join(sentences, " ")), fill.Replace(event.head + figure.head)
}
