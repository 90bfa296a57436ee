package doctor

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"dmtrain/internal/backend"
	"dmtrain/internal/gpu"
	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/ref"
	"dmtrain/internal/task/tasks"
)

// The CPU and the reference are healthy, and so is the device, real or emulated, where there is one.
func TestHealthyBackends(t *testing.T) {
	all := []kernels.Backend{ref.New()}
	for _, device := range []string{"cpu", "cuda"} {
		be, err := backend.Open(device)
		if errors.Is(err, gpu.ErrUnavailable) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		defer be.Close()
		all = append(all, be)
	}
	for _, be := range all {
		for _, f := range SelfTest(be, tasks.All()) {
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

func (b ill) Add(a kernels.Add) {
	if b.wrong == "add" {
		panic("kernels: short Y")
	}
	b.Backend.Add(a)
}

// Only the rounded copy of a parameter is wrong.
func (b ill) AdamW(a kernels.AdamW) {
	b.Backend.AdamW(a)
	if b.wrong == "rounded" && a.Low != nil {
		b.Backend.Zero(a.Low)
	}
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
	for wrong, operations := range map[string][]string{
		"scale": {"Scale"}, // by less than bfloat16 shows
		"dropping": {"Attention/edges dropped", "Attention/edges dropped, bf16", "training of lm",
			"training of seq2seq"},
		"bernoulli": {"Bernoulli", "Bernoulli, bf16", "training of lm", "training of seq2seq"},
		"embed":     {"EmbedBackward", "EmbedBackward, bf16", "training of lm", "training of seq2seq"},
		"add":       {"Add", "Add, bf16", "training of lm", "training of seq2seq"},
		"rounded":   {"AdamW", "AdamW, bf16"},
	} {
		var found []string
		for _, f := range SelfTest(ill{ref.New(), wrong}, tasks.All()) {
			if !f.OK {
				found = append(found, f.Operation)
				if !strings.Contains(f.Problem, "element") && !strings.Contains(f.Problem, "loss of step") &&
					wrong != "add" {
					t.Errorf("%s: %s", f.Operation, f.Problem)
				}
			}
		}
		if !slices.Equal(found, operations) {
			t.Errorf("with a wrong %s: found %q, want %q", wrong, found, operations)
		}
	}
}
