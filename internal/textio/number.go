package textio

import "regexp"

// Numbers are decimal, wherever they are written. YAML 1.1 and the readers of flags would take 010 for 8, 0x10 for
// 16 and 1_000 for 1000: what is spelled so is no number here.
var (
	decimal = regexp.MustCompile(`^[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?$`)
	whole   = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)$`)
)

// IsDecimal says whether a text is a number: digits, with a point and an exponent or without.
func IsDecimal(text string) bool { return decimal.MatchString(text) }

// IsWhole says whether a text is a whole number: digits alone.
func IsWhole(text string) bool { return whole.MatchString(text) }
