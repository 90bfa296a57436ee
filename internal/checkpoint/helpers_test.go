package checkpoint

import (
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"dmtrain/internal/tensor"
)

var small = GPT2Config{
	Vocab:   5,
	Context: 3,
	Layers:  1,
	Heads:   1,
	Dim:     2,
	Begin:   -1,
	End:     4,
}

// checkpointAt is a checkpoint whose every file depends on its step.
func checkpointAt(step int, best *Best) *Checkpoint {
	values := func(n int, of float64) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(math.Sin(of + float64(step) + float64(i)))
		}
		return v
	}
	wte := Float32("transformer.wte.weight", tensor.Shape{5, 2}, values(10, 0))
	return &Checkpoint{
		State: State{
			Version: "test",
			Step:    step,
			Tokens:  int64(100 * step),
			Seed:    math.MaxUint64,
			Best:    best,
			Mask:    json.RawMessage(`{"u":0.5}`),
		},
		Config: small,
		Model:  []Tensor{wte},
		Optimizer: []Tensor{Float32("m", tensor.Shape{5, 2}, values(10, 1)),
			Float32("v", tensor.Shape{5, 2}, values(10, 2))},
		Files: map[string][]byte{"tokenizer.json": []byte(`{"step":` + string(rune('0'+step%10)) + `}`)},
	}
}

// rawTensor is a tensor of any type, data being its little-endian bytes.
func rawTensor(name string, dtype DType, shape tensor.Shape, data []byte) Tensor {
	return Tensor{name, dtype, shape, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}}
}

// expect fails unless dir holds checkpointAt(step, …), verified.
func expect(t testing.TB, dir string, step int) {
	t.Helper()
	s, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want := checkpointAt(step, s.State.Best)
	if s.State.Step != step || s.State.Tokens != want.State.Tokens {
		t.Fatalf("%s holds step %d", dir, s.State.Step)
	}
	if got := encoded(t, reread(t, s.Params),
		formatMetadata); string(got) != string(encoded(t, want.Model, formatMetadata)) {
		t.Fatalf("%s: parameters are of another step", dir)
	}
	if got := encoded(t, reread(t, s.Optimizer), nil); string(got) != string(encoded(t, want.Optimizer, nil)) {
		t.Fatalf("%s: moments are of another step", dir)
	}
}

func reread(t testing.TB, from *Tensors) []Tensor {
	t.Helper()
	var list []Tensor
	for _, info := range from.Infos() {
		v, err := from.Float32s(info.Name)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, Float32(info.Name, info.Shape, v))
	}
	return list
}

func newRun(t testing.TB) *Run {
	t.Helper()
	r, err := startRun(disk{}, filepath.Join(t.TempDir(), "run"), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	r.disk.sync = unsynced
	return r
}

// unsynced is for tests that end no machine: a killed process loses nothing it wrote.
func unsynced(*os.File) error { return nil }

func save(t testing.TB, r *Run, step int, best *Best) string {
	t.Helper()
	dir, err := r.Save(checkpointAt(step, best))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func slurp(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// startRun makes a new run.
func startRun(d disk, dir string, overwrite bool) (*Run, error) {
	r, err := claimRun(d, dir, overwrite)
	if err != nil {
		return nil, err
	}
	if err := r.Start(overwrite); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}
