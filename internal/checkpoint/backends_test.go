package checkpoint

import (
	"errors"
	"math"
	"slices"
	"testing"

	"dmtrain/internal/backend"
	"dmtrain/internal/gpu"
	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/ref"
	"dmtrain/internal/model"
	"dmtrain/internal/tensor"
)

// Parameters and moments saved from one backend are read on another to the bit: the reference, the CPU, and a
// device, real or emulated, where there is one.
func TestParametersMoveBetweenBackends(t *testing.T) {
	backends := []kernels.Backend{ref.New()}
	for _, device := range []string{"cpu", "cuda"} {
		be, err := backend.Open(device)
		if errors.Is(err, gpu.ErrUnavailable) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		defer be.Close()
		backends = append(backends, be)
	}
	for i, from := range backends {
		saved := drawn(t, from, uint64(i+1))
		dir := saved.save(t)
		for _, to := range backends {
			read := drawn(t, to, 99)
			read.load(t, dir)
			if !slices.Equal(read.bits(t), saved.bits(t)) {
				t.Errorf("from %s to %s: other bits", from.Info().Name, to.Info().Name)
			}
		}
	}
}

// inTraining is a model with AdamW's moments, laid out like its parameters.
type inTraining struct {
	be            kernels.Backend
	m             *model.Model
	first, second kernels.Buffer
}

// drawn draws a model and its moments on a backend.
func drawn(t *testing.T, be kernels.Backend, seed uint64) *inTraining {
	t.Helper()
	m, err := model.New(be, model.Config{
		Vocab:   5,
		Context: 3,
		Layers:  1,
		Heads:   1,
		Dim:     2,
	}, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Free)
	m.Init(seed)
	moment := func(number int) kernels.Buffer {
		b, err := be.Alloc(tensor.Float32, m.Params.Len())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { be.Free(b) })
		values := make([]float32, m.Params.Len())
		for i := range values {
			values[i] = float32(math.Sin(float64(seed) + float64(number*1000+i)))
		}
		be.Upload(b, values)
		return b
	}
	return &inTraining{be, m, moment(1), moment(2)}
}

// save makes a checkpoint and returns its directory.
func (d *inTraining) save(t *testing.T) string {
	t.Helper()
	params := d.m.Params
	dir, err := newRun(t).Save(&Checkpoint{
		Config:    ModelFile(Description{Config: d.m.Config, Begin: -1, End: -1}),
		Model:     ParamTensors(d.be, params, params.Flat()),
		Optimizer: MomentTensors(d.be, params, d.first, d.second),
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func (d *inTraining) load(t *testing.T, dir string) {
	t.Helper()
	s, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.ReadTrained(d.be, d.m.Params); err != nil {
		t.Fatal(err)
	}
	if err := s.ReadMoments(d.be, d.m.Params, d.first, d.second); err != nil {
		t.Fatal(err)
	}
}

// bits are those of all parameters and their moments.
func (d *inTraining) bits(t *testing.T) (bits []uint32) {
	t.Helper()
	params := d.m.Params
	for _, flat := range []kernels.Buffer{params.Flat(), d.first, d.second} {
		for _, p := range params.All() {
			values := make([]float32, p.Shape.Elems())
			if err := d.be.Download(values, params.Part(flat, p)); err != nil {
				t.Fatal(err)
			}
			for _, v := range values {
				bits = append(bits, math.Float32bits(v))
			}
		}
	}
	return bits
}
