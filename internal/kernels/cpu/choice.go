package cpu

import (
	"fmt"
	"os"
	"strings"
)

// Choice is a path of this build, and why it is not the one that runs.
type Choice struct {
	Path  string `json:"path"`
	Taken bool   `json:"taken"`
	Why   string `json:"why,omitempty"` // it isn't taken
}

// Choices are the paths of this build, the best first. None is taken where the environment asks for one that can't run.
func Choices() []Choice {
	var all []Choice
	taken, err := choosePath()
	found := false
	for _, p := range paths() {
		c := Choice{Path: p.name, Taken: err == nil && p.name == taken.name}
		switch lacks := p.lacks(); {
		case c.Taken:
			found = true
		case len(lacks) > 0:
			c.Why = fmt.Sprintf("this processor, or its system, lacks %s", strings.Join(lacks, ", "))
		case found:
			c.Why = "slower than " + taken.name
		default:
			c.Why = fmt.Sprintf("%s=%s asks for another", pathVariable, os.Getenv(pathVariable))
		}
		all = append(all, c)
	}
	return all
}

// Features are the processor's extensions that choose a path, as far as it has them.
func Features() []string {
	var has []string
	seen := map[string]bool{}
	for _, p := range paths() {
		for _, f := range p.needs {
			if f.has && !seen[f.name] {
				has = append(has, f.name)
			}
			seen[f.name] = true
		}
	}
	return has
}
