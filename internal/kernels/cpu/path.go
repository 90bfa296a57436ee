package cpu

import (
	"fmt"
	"os"
	"strings"
)

// pathVariable forces an instruction set.
const pathVariable = "DMTRAIN_CPU"

// genericPath is the path that every processor has.
const genericPath = "generic"

// path is an instruction set that there are kernels for in this build.
type path struct {
	name       string
	needs      []feature // all that its kernels may use: a test holds their code to it
	primitives func() primitives
}

// feature is an extension of a processor's instructions, which this processor has or lacks.
type feature struct {
	name string
	has  bool
}

// lacks names the features that this processor lacks.
func (p path) lacks() []string {
	var names []string
	for _, f := range p.needs {
		if !f.has {
			names = append(names, f.name)
		}
	}
	return names
}

// paths are those of this build, the best first.
func paths() []path { return append(simdPaths(), path{name: genericPath, primitives: generic}) }

// choosePath takes the best path the processor has, or the one the environment names.
func choosePath() (path, error) {
	want := os.Getenv(pathVariable)
	var names []string
	for _, p := range paths() {
		lacks := p.lacks()
		switch {
		case want == "" && len(lacks) == 0:
			return p, nil
		case want == p.name && len(lacks) == 0:
			return p, nil
		case want == p.name:
			return path{}, fmt.Errorf("%s=%s: this processor, or its system, lacks %s; leave it unset, or take %s",
				pathVariable, want, strings.Join(lacks, ", "), genericPath)
		}
		names = append(names, p.name)
	}
	return path{}, fmt.Errorf("%s=%s: must be one of %s", pathVariable, want, strings.Join(names, ", "))
}
