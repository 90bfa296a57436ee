package graph

import (
	"errors"
	"slices"
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/ref"
)

// recorder is a backend that captures, or refuses to, and notes down what it is asked for.
type recorder struct {
	kernels.Backend
	refuses bool
	asked   []string
}

func (r *recorder) Capture(func()) (kernels.Captured, error) {
	r.asked = append(r.asked, "capture")
	if r.refuses {
		return nil, errors.New("not today")
	}
	return replayed{r}, nil
}

// replayed is what a recorder captured.
type replayed struct{ *recorder }

func (r replayed) Replay() { r.asked = append(r.asked, "replay") }
func (r replayed) Free()   { r.asked = append(r.asked, "free") }

// Calls are made, captured the second time, and replayed from then on; what is forgotten begins anew; what can't be
// captured is asked for once.
func TestReplay(t *testing.T) {
	for _, refuses := range []bool{false, true} {
		be := &recorder{Backend: ref.New(), refuses: refuses}
		r := replay{calls: func() { be.asked = append(be.asked, "calls") }}
		for range 3 {
			r.run(be)
		}
		r.forget()
		r.run(be)
		want := []string{"calls", "capture", "replay", "replay", "free", "calls"}
		if refuses {
			want = []string{"calls", "capture", "calls", "calls", "calls"}
		}
		if !slices.Equal(be.asked, want) {
			t.Errorf("refusing %v: %v, want %v", refuses, be.asked, want)
		}
	}
}
