package doctor

import (
	"fmt"
	"math"

	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/fixture"
	"dmtrain/internal/kernels/ref"
	"dmtrain/internal/task"
	"dmtrain/internal/tensor"
	"dmtrain/internal/train"
)

// Finding is what became of one operation.
type Finding struct {
	Operation string `json:"operation"` // as kernels names it; in float32, if it doesn't say otherwise
	OK        bool   `json:"ok"`
	Problem   string `json:"problem,omitempty"` // where it differs from the formula, or why it did not run
}

// SelfTest tries every operation on a backend, in every precision that it has, and then steps of every task's training.
func SelfTest(be kernels.Backend, tasks task.Table) []Finding {
	var all []Finding
	find := func(name string, try func() string) {
		problem := guarded(try)
		all = append(all, Finding{name, problem == "", problem})
	}
	for _, e := range fixture.Examples() {
		find(e.Name, func() string { return try(e, be, tensor.Float32) })
	}
	if be.Info().BFloat16 {
		for _, e := range fixture.Examples() {
			find(e.Name+", bf16", func() string { return try(e, be, tensor.BFloat16) })
		}
	}
	for _, k := range tasks {
		find("training of "+k.Name(), func() string { return training(be, k) })
	}
	return all
}

// guarded makes a panic a problem like any other, so that the tests after it are made too.
func guarded(try func() string) (problem string) {
	defer func() {
		if cause := recover(); cause != nil {
			problem = fmt.Sprint(cause)
		}
	}()
	return try()
}

// training takes some steps of a small model with masks that move, every mask certified, and holds their losses to
// the reference's.
func training(be kernels.Backend, k task.Task) string {
	const limit = 1e-5 // as in the tests of package train
	want, err := train.SmokeLosses(ref.New(), k)
	if err != nil {
		return err.Error()
	}
	got, err := train.SmokeLosses(be, k)
	if err != nil {
		return err.Error()
	}
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= limit*want[i]) {
			return fmt.Sprintf("the loss of step %d is %v, not %v", i, got[i], want[i])
		}
	}
	return ""
}
