package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"dmtrain/internal/textio"
)

// decimalFlags makes the numeric flags of a command and its subcommands accept only decimal numbers, as settings do.
func decimalFlags(cmd *cobra.Command) {
	for _, set := range []*pflag.FlagSet{cmd.PersistentFlags(), cmd.Flags()} {
		set.VisitAll(func(f *pflag.Flag) {
			if _, done := f.Value.(decimalValue); done {
				return
			}
			switch kind := f.Value.Type(); {
			case strings.HasPrefix(kind, "int"), strings.HasPrefix(kind, "uint"), strings.HasPrefix(kind, "float"):
				f.Value = decimalValue{f.Value}
			}
		})
	}
	for _, sub := range cmd.Commands() {
		decimalFlags(sub)
	}
}

// decimalValue is a flag's number, or a list of numbers.
type decimalValue struct{ pflag.Value }

// Set implements pflag.Value.
func (d decimalValue) Set(text string) error {
	parts := strings.Split(text, ",")
	for i, part := range parts {
		parts[i] = strings.TrimSpace(part)
		if !textio.IsDecimal(parts[i]) {
			return fmt.Errorf("%q is not a number in plain decimals (no leading zeros, 0x, 0o or _)", part)
		}
		if strings.HasPrefix(d.Type(), "float") {
			continue
		}
		n, err := wholeNumber(parts[i])
		if err != nil || strings.HasPrefix(d.Type(), "uint") && strings.HasPrefix(n, "-") {
			return fmt.Errorf("%s is not a whole number that this flag takes", part)
		}
		parts[i] = n
	}
	return d.Value.Set(strings.Join(parts, ","))
}

// wholeNumber rewrites a whole number, even one spelled 1e3 or 5.0, in digits.
func wholeNumber(text string) (string, error) {
	if textio.IsWhole(text) {
		return strings.TrimPrefix(text, "+"), nil
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || x != math.Trunc(x) || math.Abs(x) >= 1<<53 {
		return "", strconv.ErrSyntax
	}
	return strconv.FormatInt(int64(x), 10), nil
}
