package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
)

// idleFlags are flags that have no effect as things are.
type idleFlags struct {
	names []string
	why   string
}

// idleSampling is what drawing tokens needs and taking the most probable one does not.
func idleSampling(temperature float64) idleFlags {
	if temperature > 0 {
		return idleFlags{}
	}
	return idleFlags{[]string{"top-k", "top-p", "min-p", "seed"},
		"without --temperature above 0 the most probable token is always taken"}
}

// acceptanceFlags say which predictions of a block are kept.
var acceptanceFlags = []string{"block", "threshold", "budget", "max-rounds"}

// warnIdle names the flags that were given and have no effect.
func warnIdle(stderr io.Writer, given *pflag.FlagSet, idle ...idleFlags) {
	for _, i := range idle {
		var names []string
		for _, name := range i.names {
			if given.Changed(name) {
				names = append(names, "--"+name)
			}
		}
		if names != nil {
			fmt.Fprintf(stderr, "dmtrain: warning: %s without effect: %s\n", strings.Join(names, ", "), i.why)
		}
	}
}
