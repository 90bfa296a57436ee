package checkpoint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
)

// The files of a checkpoint, besides the tokenizer's.
const (
	modelName     = "model.safetensors"
	optimizerName = "optimizer.safetensors"
	configName    = "config.json"
	stateName     = "state.json"
	manifestName  = "checksums.json"
)

// Checkpoint is what Save stores: the state of a run at one step.
type Checkpoint struct {
	State     State
	Config    any               // config.json; see ModelFile
	Model     []Tensor          // parameters by name
	Optimizer []Tensor          // the optimiser's moments, named by the caller; may be nil
	Files     map[string][]byte // the tokenizer's
}

// formatMetadata is required by transformers.
var formatMetadata = map[string]string{"format": "pt"}

// writeAll writes and syncs every file of the checkpoint in dir, the manifest last.
func (c *Checkpoint) writeAll(d disk, dir string) error {
	config, err := encodeConfig(c.Config)
	if err != nil {
		return err
	}
	state, err := encodeState(c.State)
	if err != nil {
		return err
	}
	files := map[string]func(io.Writer) error{
		configName: plain(config),
		stateName:  plain(state),
		modelName:  func(w io.Writer) error { return WriteTensors(w, c.Model, formatMetadata) },
	}
	if c.Optimizer != nil {
		files[optimizerName] = func(w io.Writer) error { return WriteTensors(w, c.Optimizer, nil) }
	}
	for name, data := range c.Files {
		if !plainName(name) || files[name] != nil || name == manifestName {
			panic("checkpoint: a tokenizer file has a name of the checkpoint's own")
		}
		files[name] = plain(data)
	}
	m := manifest{Files: map[string]fileSum{}}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if m.Files[name], err = d.create(filepath.Join(dir, name), files[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if _, err := d.create(filepath.Join(dir, manifestName), plain(m.encode())); err != nil {
		return fmt.Errorf("%s: %w", manifestName, err)
	}
	return d.syncDir(dir)
}

func plain(data []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}
}

// plainName reports whether name is a file directly in its directory and not hidden.
func plainName(name string) bool {
	return filepath.IsLocal(name) && filepath.Base(name) == name && name[0] != '.'
}

func encodeConfig(config any) ([]byte, error) {
	text, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", configName, err)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return nil, fmt.Errorf("%s: %w", configName, err)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}
