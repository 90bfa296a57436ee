package main

import (
	"io"
	"strings"

	"github.com/spf13/pflag"
)

// idleFlags are flags without effect, and why.
type idleFlags struct {
	names []string
	why   string
}

// idleSampling are the flags without effect if the most probable token is always taken.
func idleSampling(temperature float64) idleFlags {
	if temperature > 0 {
		return idleFlags{}
	}
	return idleFlags{[]string{"top-k", "top-p", "min-p", "seed"},
		"without --temperature above 0 the most probable token is always taken"}
}

// acceptanceFlags say which predictions of a block are kept.
var acceptanceFlags = []string{"block", "threshold", "budget", "max-rounds"}

// warnIdle warns of given flags without effect.
func warnIdle(stderr io.Writer, given *pflag.FlagSet, idle ...idleFlags) {
	for _, i := range idle {
		var names []string
		for _, name := range i.names {
			if given.Changed(name) {
				names = append(names, "--"+name)
			}
		}
		if names != nil {
			warn(stderr, "%s without effect: %s", strings.Join(names, ", "), i.why)
		}
	}
}
