package checkpoint

import (
	"fmt"

	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
)

// Unused lists tensors of the model's file that are no parameters of the model.
func (s *Saved) Unused(params *graph.Params) []string {
	known := map[string]bool{}
	for _, p := range params.All() {
		known[p.Name] = true
	}
	var names []string
	for _, t := range s.Params.Infos() {
		if !known[t.Name] {
			names = append(names, t.Name)
		}
	}
	return names
}

// ReadParams fills dst, laid out like params, with the saved model. A parameter that is missing or has another shape is
// an error that names it.
func (s *Saved) ReadParams(be kernels.Backend, params *graph.Params, dst kernels.Buffer) error {
	return s.read(be, s.Params, "", params, dst)
}

// ReadTrained fills params with the trained parameters, which differ from the model's if that is an average.
func (s *Saved) ReadTrained(be kernels.Backend, params *graph.Params) error {
	if s.Optimizer != nil {
		if _, averaged := s.Optimizer.Info(trained + params.All()[0].Name); averaged {
			return s.read(be, s.Optimizer, trained, params, params.Flat())
		}
	}
	return s.ReadParams(be, params, params.Flat())
}

// read fills dst, laid out like params, with the tensors named prefix + the parameter's name.
func (s *Saved) read(be kernels.Backend, t *Tensors, prefix string, params *graph.Params, dst kernels.Buffer) error {
	for _, p := range params.All() {
		if err := readInto(be, t, prefix+p.Name, p, params.Part(dst, p)); err != nil {
			return fmt.Errorf("%s: %w", s.Dir, err)
		}
	}
	return nil
}

// readInto uploads the tensor of that name, of p's shape, to dst.
func readInto(be kernels.Backend, t *Tensors, name string, p *graph.Param, dst kernels.Buffer) error {
	w := make([]float32, p.Shape.Elems())
	if err := t.ReadFloat32s(w, name, p.Shape); err != nil {
		return err
	}
	if err := finite(w, name); err != nil {
		return fmt.Errorf("%s: %w", t.file, err)
	}
	be.Upload(dst, w)
	return nil
}

// Prefixes of the names of tensors that only training needs.
const (
	firstMoment  = "exp_avg."
	secondMoment = "exp_avg_sq."
	trained      = "param." // the trained parameter, if the model is an average
)

// ReadMoments fills AdamW's moments, laid out like params, with the saved ones.
func (s *Saved) ReadMoments(be kernels.Backend, params *graph.Params, first, second kernels.Buffer) error {
	if s.Optimizer == nil {
		return fmt.Errorf("%s: no %s: this checkpoint can't be trained further", s.Dir, optimizerName)
	}
	if err := s.read(be, s.Optimizer, firstMoment, params, first); err != nil {
		return err
	}
	return s.read(be, s.Optimizer, secondMoment, params, second)
}

// ParamTensors are the model's parameters as Save takes them, from a buffer laid out like params; they are copied from
// the device while they are written.
func ParamTensors(be kernels.Backend, params *graph.Params, flat kernels.Buffer) []Tensor {
	return tensorsFrom(be, params, "", flat)
}

// TrainedTensors are the trained parameters, for a checkpoint whose model is their average.
func TrainedTensors(be kernels.Backend, params *graph.Params) []Tensor {
	return tensorsFrom(be, params, trained, params.Flat())
}

// MomentTensors are AdamW's moments, laid out like params, as Save takes them.
func MomentTensors(be kernels.Backend, params *graph.Params, first, second kernels.Buffer) []Tensor {
	return append(tensorsFrom(be, params, firstMoment, first), tensorsFrom(be, params, secondMoment, second)...)
}

func tensorsFrom(be kernels.Backend, params *graph.Params, prefix string, flat kernels.Buffer) []Tensor {
	var tensors []Tensor
	for _, p := range params.All() {
		tensors = append(tensors, Float32From(prefix+p.Name, p.Shape, func(dst []float32) error {
			if err := be.Download(dst, params.Part(flat, p)); err != nil {
				return err
			}
			return finite(dst, prefix+p.Name)
		}))
	}
	return tensors
}

// NotFiniteError names a tensor with values that are NaN or infinite. It is neither saved nor read: no model computes
// with it.
type NotFiniteError struct {
	Tensor       string
	Values, Elem int // their number, and the index of the first
	First        float32
}

func (e *NotFiniteError) Error() string {
	return fmt.Sprintf("tensor %q has %d values that are not finite, the first %v at element %d", e.Tensor, e.Values,
		e.First, e.Elem)
}

// finite returns a *NotFiniteError if a value of a tensor is NaN or infinite.
func finite(w []float32, name string) error {
	var e *NotFiniteError
	for i, v := range w {
		if v-v == 0 {
			continue
		}
		if e == nil {
			e = &NotFiniteError{Tensor: name, Elem: i, First: v}
		}
		e.Values++
	}
	if e == nil { // a nil *NotFiniteError would be a non-nil error
		return nil
	}
	return e
}
