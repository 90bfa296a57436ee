package textio

import "regexp"

// Numbers must be decimal everywhere. YAML 1.1 and flag parsers would read 010 as 8, 0x10 as 16 and 1_000 as 1000; such
// spellings are refused.
var (
	decimal = regexp.MustCompile(`^[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?$`)
	whole   = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)$`)
)

// IsDecimal says whether a text is a decimal number, optionally with a point and an exponent.
func IsDecimal(text string) bool { return decimal.MatchString(text) }

// IsWhole says whether a text is a whole number in digits alone.
func IsWhole(text string) bool { return whole.MatchString(text) }
