package doctor

import (
	"fmt"
	"math"

	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/ref"
	"dmtrain/internal/tensor"
	"dmtrain/internal/train"
)

// Finding is what became of one operation.
type Finding struct {
	Operation string `json:"operation"` // in float32, if it doesn't say otherwise
	OK        bool   `json:"ok"`
	Problem   string `json:"problem,omitempty"` // where it differs from the formula, or why it did not run
}

// SelfTest tries every operation on a backend, in every precision that it has, and then steps of training.
func SelfTest(be kernels.Backend) []Finding {
	var all []Finding
	find := func(name string, try func() string) {
		problem := guarded(try)
		all = append(all, Finding{name, problem == "", problem})
	}
	for _, o := range operations() {
		find(o.name, func() string { return o.try(be, tensor.Float32) })
	}
	if be.Info().BFloat16 {
		for _, o := range operations() {
			find(o.name+", bf16", func() string { return o.try(be, tensor.BFloat16) })
		}
	}
	find("training", func() string { return training(be) })
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

// training takes some steps of a small model with masks that move, every mask certified, and holds their losses to the reference's.
func training(be kernels.Backend) string {
	const limit = 1e-5 // as in the tests of package train
	want, err := train.TrialLosses(ref.New())
	if err != nil {
		return err.Error()
	}
	got, err := train.TrialLosses(be)
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

// try makes the call on the reference and on a backend, and says how the outputs differ.
func (o operation) try(be kernels.Backend, float tensor.DType) string {
	want, formula, err := o.outputs(ref.New(), float)
	defer formula.clear()
	if err != nil {
		return err.Error()
	}
	got, device, err := o.outputs(be, float)
	defer device.clear()
	if err != nil {
		return err.Error()
	}
	for i, out := range formula.outputs {
		if problem := compare(out, got[i], want[i]); problem != "" {
			return problem
		}
	}
	return ""
}

// outputs makes the call on a backend.
func (o operation) outputs(be kernels.Backend, float tensor.DType) (values [][]float64, d *desk, err error) {
	d = &desk{Backend: be, float: float}
	defer func() {
		if cause := recover(); cause != nil {
			if _, stopped := cause.(stop); !stopped {
				panic(cause)
			}
			err = d.err
		}
	}()
	o.call(d)
	if err := be.Sync(); err != nil {
		return nil, d, err
	}
	for _, out := range d.outputs {
		v, err := d.read(out)
		if err != nil {
			return nil, d, err
		}
		values = append(values, v)
	}
	return values, d, nil
}
