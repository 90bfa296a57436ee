package doctor

import (
	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/ref"
)

// Finding is what became of one operation.
type Finding struct {
	Operation string `json:"operation"`
	OK        bool   `json:"ok"`
	Problem   string `json:"problem,omitempty"` // where it differs from the formula, or why it did not run
}

// SelfTest tries every operation on a backend.
func SelfTest(be kernels.Backend) []Finding {
	var all []Finding
	for _, o := range operations() {
		problem := o.try(be)
		all = append(all, Finding{o.name, problem == "", problem})
	}
	return all
}

// try makes the call on the reference and on a backend, and says how the outputs differ.
func (o operation) try(be kernels.Backend) string {
	want, formula, err := o.outputs(ref.New())
	defer formula.clear()
	if err != nil {
		return err.Error()
	}
	got, device, err := o.outputs(be)
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
func (o operation) outputs(be kernels.Backend) (values [][]float64, d *desk, err error) {
	d = &desk{Backend: be}
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
