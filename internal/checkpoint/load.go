package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"dmtrain/internal/files"
)

// Saved is an open checkpoint, or a model directory in Hugging Face's format. Tensors are read on demand. Close it when
// done.
type Saved struct {
	Dir       string
	Config    []byte   // config.json; see Shape
	Params    *Tensors // parameters under this program's names
	Optimizer *Tensors // nil from LoadModel, or if none was saved
	State     State    // zero for models that this program did not save
}

// DamagedError says that a checkpoint is incomplete or was altered, and names an intact one.
type DamagedError struct {
	Dir    string
	Err    error  // the file and what is wrong with it
	Intact string // another checkpoint of the run, verified; "" if there is none or Dir is in no run
}

func (e *DamagedError) Error() string {
	s := fmt.Sprintf("%s: the checkpoint is torn or was altered: %v", e.Dir, e.Err)
	if e.Intact == "" {
		return s
	}
	return fmt.Sprintf("%s; %s is intact", s, e.Intact)
}

func (e *DamagedError) Unwrap() error { return e.Err }

// Load opens a checkpoint that Save wrote, and verifies every file by its checksum. Damage is a *DamagedError.
func Load(dir string) (*Saved, error) { return load(dir, true) }

// LoadModel opens a model for evaluation and decoding: a checkpoint without its optimizer, or a GPT-2 in Hugging Face's
// format (config.json and model.safetensors, names with or without "transformer.", F32, F16 or BF16). It verifies
// checksums if there are any.
func LoadModel(dir string) (*Saved, error) { return load(dir, false) }

func load(dir string, resume bool) (*Saved, error) {
	dir, err := files.Directory(dir)
	if err != nil {
		return nil, err
	}
	m, err := readManifest(dir)
	if !resume && errors.Is(err, fs.ErrNotExist) && !isCheckpoint(dir) {
		return loadForeign(dir)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = damage{fmt.Errorf("%s: missing", manifestName)}
	}
	if err != nil {
		return nil, named(dir, err)
	}
	s := &Saved{Dir: dir}
	if err := s.open(m, resume); err != nil {
		s.Close()
		return nil, named(dir, err)
	}
	return s, nil
}

// isCheckpoint says whether a directory without a manifest is a checkpoint that lost it.
func isCheckpoint(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, stateName))
	return err == nil
}

func named(dir string, err error) error {
	var d damage
	if errors.As(err, &d) {
		return &DamagedError{Dir: dir, Err: err}
	}
	return fmt.Errorf("%s: %w", dir, err)
}

func (s *Saved) open(m manifest, resume bool) (err error) {
	text, err := m.read(s.Dir, stateName)
	if err != nil {
		return err
	}
	if s.State, err = decodeState(text); err != nil {
		return err
	}
	if s.Config, err = m.read(s.Dir, configName); err != nil {
		return err
	}
	if s.Params, err = m.tensors(s.Dir, modelName); err != nil {
		return err
	}
	if err := s.rename(); err != nil {
		return err
	}
	if _, ok := m.Files[optimizerName]; ok && resume {
		if s.Optimizer, err = m.tensors(s.Dir, optimizerName); err != nil {
			return err
		}
	}
	for name := range m.Files {
		if slices.Contains([]string{stateName, configName, modelName, optimizerName}, name) {
			continue
		}
		if _, err := m.read(s.Dir, name); err != nil {
			return err
		}
	}
	return nil
}

func (m manifest) tensors(dir, name string) (*Tensors, error) {
	f, err := m.open(dir, name)
	if err != nil {
		return nil, err
	}
	return tensorsOf(f, name)
}

func loadForeign(dir string) (*Saved, error) {
	s := &Saved{Dir: dir}
	var err error
	if s.Config, err = os.ReadFile(filepath.Join(dir, configName)); err != nil {
		return nil, explainMissing(dir, err)
	}
	if s.Params, err = OpenTensors(filepath.Join(dir, modelName)); err != nil {
		return nil, explainMissing(dir, err)
	}
	if err := s.rename(); err != nil {
		s.Close()
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return s, nil
}

// explainMissing adds what to do if dir is a run, or holds the weights in another format.
func explainMissing(dir string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if runIsIn(dir) {
		return fmt.Errorf("%s: a run, not a checkpoint: those are in %s", dir, filepath.Join(dir, stepsDir))
	}
	for _, other := range []string{"model.safetensors.index.json", "pytorch_model.bin",
		"pytorch_model.bin.index.json"} {
		if _, e := os.Stat(filepath.Join(dir, other)); e == nil {
			return fmt.Errorf("%w (%s is there: save the model again as one safetensors file)", err, other)
		}
	}
	return err
}

// Files is the directory, with the tokenizer's files.
func (s *Saved) Files() fs.FS { return os.DirFS(s.Dir) }

// Close closes the tensors' files.
func (s *Saved) Close() error {
	var errs []error
	for _, t := range []*Tensors{s.Params, s.Optimizer} {
		if t != nil {
			errs = append(errs, t.Close())
		}
	}
	return errors.Join(errs...)
}
