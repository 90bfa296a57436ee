package metrics

import (
	"regexp"
	"strings"
)

// Where tokenizer 13a, that of NIST's mteval-v13a.pl, puts spaces.
var (
	symbol13a  = regexp.MustCompile("([{-~\\[-` -&(-+:-@/])")
	after13a   = regexp.MustCompile(`([^0-9])([.,])`) // a period or comma, unless a digit precedes it
	before13a  = regexp.MustCompile(`([.,])([^0-9])`) // and unless one follows it
	hyphen13a  = regexp.MustCompile(`([0-9])(-)`)     // a hyphen after a digit
	entity13a  = []string{"&quot;", `"`, "&amp;", "&", "&lt;", "<", "&gt;", ">"}
	skipped13a = strings.NewReplacer("<skipped>", "", "-\n", "", "\n", " ")
)

// words13a cuts a line into words.
func words13a(line string) []string {
	line = skipped13a.Replace(strings.TrimRightFunc(line, isSpace))
	for i := 0; i < len(entity13a); i += 2 { // one after the other: what one makes, a later one may replace
		line = strings.ReplaceAll(line, entity13a[i], entity13a[i+1])
	}
	line = symbol13a.ReplaceAllString(" "+line+" ", " $1 ")
	line = after13a.ReplaceAllString(line, "$1 $2 ")
	line = before13a.ReplaceAllString(line, " $1 $2")
	line = hyphen13a.ReplaceAllString(line, "$1 $2 ")
	return strings.FieldsFunc(line, isSpace)
}
