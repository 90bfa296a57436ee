package doctor

import (
	"strings"
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/cpu"
	"dmtrain/internal/kernels/ref"
)

func TestHealthyBackends(t *testing.T) {
	fast, err := cpu.New(cpu.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer fast.Close()
	for _, be := range []kernels.Backend{fast, ref.New()} {
		for _, f := range SelfTest(be) {
			if !f.OK {
				t.Errorf("%v: %s: %s", be.Info(), f.Operation, f.Problem)
			}
		}
	}
}

// ill is a backend with one wrong operation.
type ill struct {
	kernels.Backend
	wrong string
}

func (b ill) Scale(a kernels.Scale) {
	if b.wrong == "scale" {
		a.Factor *= 1 + 1e-5
	}
	b.Backend.Scale(a)
}

func (b ill) Attention(a kernels.AttentionForward) {
	if b.wrong == "dropping" {
		a.Drop.Layer++
	}
	b.Backend.Attention(a)
}

func (b ill) Bernoulli(a kernels.Bernoulli) {
	b.Backend.Bernoulli(a)
	if b.wrong == "bernoulli" {
		b.Backend.Zero(a.Hidden)
	}
}

func (b ill) EmbedBackward(a kernels.EmbedBackward) {
	if b.wrong != "embed" {
		b.Backend.EmbedBackward(a)
	}
}

// What is wrong is found, and nothing else.
func TestIllBackends(t *testing.T) {
	for wrong, operation := range map[string]string{"scale": "elementwise", "dropping": "attention, dropping edges", "bernoulli": "bernoulli", "embed": "embed"} {
		var found []string
		for _, f := range SelfTest(ill{ref.New(), wrong}) {
			if !f.OK {
				found = append(found, f.Operation)
				if !strings.Contains(f.Problem, "element") {
					t.Errorf("%s: %s", f.Operation, f.Problem)
				}
			}
		}
		if len(found) != 1 || found[0] != operation {
			t.Errorf("with a wrong %s: found %q, want %s", wrong, found, operation)
		}
	}
}
