package checkpoint

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"dmtrain/internal/textio"
)

// manifest is checksums.json: size and checksum of every other file.
type manifest struct {
	Files map[string]fileSum `json:"files"`
}

func (m manifest) encode() []byte {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		panic("checkpoint: a manifest that JSON cannot hold")
	}
	return append(text, '\n')
}

// readManifest fails with fs.ErrNotExist in a directory without one.
func readManifest(dir string) (manifest, error) {
	var m manifest
	text, err := os.ReadFile(filepath.Join(dir, manifestName))
	if err != nil {
		return m, err
	}
	if err := textio.UnmarshalJSON(text, &m); err != nil {
		return m, damage{fmt.Errorf("%s: %w", manifestName, err)}
	}
	for name := range m.Files {
		if name == "" || !plainName(name) {
			return m, damage{fmt.Errorf("%s: %q is not a file of a checkpoint", manifestName, name)}
		}
	}
	return m, nil
}

// damage marks errors of missing or wrong bytes, as opposed to failures of the system.
type damage struct{ error }

func (d damage) Unwrap() error { return d.error }

// open opens a file of dir and compares it with the manifest.
func (m manifest) open(dir, name string) (*os.File, error) {
	want, ok := m.Files[name]
	if !ok {
		return nil, damage{fmt.Errorf("%s: not listed in %s", name, manifestName)}
	}
	f, err := os.Open(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, damage{fmt.Errorf("%s: missing", name)}
	}
	if err != nil {
		return nil, err
	}
	if err := want.check(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

// check compares size and checksum, and leaves f at its beginning.
func (w fileSum) check(f *os.File) error {
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if st.Size() != w.Bytes {
		return damage{fmt.Errorf("%d bytes long, not %d as %s says", st.Size(), w.Bytes, manifestName)}
	}
	sum := sha256.New()
	if _, err := io.CopyBuffer(sum, struct{ io.Reader }{f}, make([]byte, chunkBytes)); err != nil {
		return err
	}
	if hex.EncodeToString(sum.Sum(nil)) != w.SHA256 {
		return damage{fmt.Errorf("its SHA-256 is not the one in %s", manifestName)}
	}
	_, err = f.Seek(0, io.SeekStart)
	return err
}

// read reads and verifies a whole file.
func (m manifest) read(dir, name string) ([]byte, error) {
	f, err := m.open(dir, name)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(f)
	return text, errors.Join(err, f.Close())
}
