package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"dmtrain/internal/textio"
)

// decimalFlags makes the flags of a command and of those below it read numbers as settings are read: decimal, or refused.
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
	is, what := textio.IsDecimal, "a number"
	if !strings.HasPrefix(d.Type(), "float") {
		is, what = textio.IsWhole, "a whole number"
	}
	for _, part := range strings.Split(text, ",") {
		if !is(strings.TrimSpace(part)) {
			return fmt.Errorf("%q is not %s in plain decimals (no leading zeros, 0x, 0o or _)", part, what)
		}
	}
	return d.Value.Set(text)
}
