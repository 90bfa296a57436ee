package data

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/edsrzf/mmap-go"

	"dmtrain/internal/files"
	"dmtrain/internal/tokenizer"
)

// cacheFrom is the size in bytes from which a text's tokens are cached.
const cacheFrom = 16 << 20

// encoded is a text's tokens, with its tokenizer and warnings.
type encoded struct {
	file      *tokensFile
	tokenizer tokenizer.Tokenizer
	warnings  []string
}

// openTokens encodes the text of the entries, or finds its tokens in the cache. Without o.Tokenizer it makes the
// tokenizer that kind configures, from the training part of the text.
func openTokens(
	key string, entries []string, separator string, kind tokenizer.Config, parts split, o Options,
) (*encoded, error) {
	inputs, skipped, err := resolve(key, entries)
	if err != nil {
		return nil, err
	}
	if o.CacheFrom == 0 {
		o.CacheFrom = cacheFrom
	}
	var size int64
	for _, s := range inputs {
		size += s.size
	}
	job := &encoding{
		key:       key,
		inputs:    inputs,
		separator: separator,
		kind:      kind,
		split:     parts,
		tokenizer: o.Tokenizer,
	}
	for _, w := range skipped {
		job.warnings = append(job.warnings, key+": "+w)
	}
	if size < o.CacheFrom {
		m, err := job.inMemory()
		if err != nil {
			return nil, err
		}
		return job.open(m)
	}
	m, err := job.cached(o.CacheDir)
	if err != nil {
		return nil, err
	}
	return job.open(m)
}

// encoding makes a tokens file.
type encoding struct {
	key       string
	inputs    []input
	separator string
	kind      tokenizer.Config
	split     split
	tokenizer tokenizer.Tokenizer // nil: make one
	warnings  []string
	skipped   []string // warnings kept in the tokens file: inputs that were skipped
}

// open prepares finished tokens for use.
func (e *encoding) open(m *tokensFile) (*encoded, error) {
	t := e.tokenizer
	if t == nil {
		var err error
		if t, err = tokenizer.FromFiles(m.meta.Tokenizer); err != nil {
			return nil, errors.Join(fmt.Errorf("%w: %w", errCorrupt, err), m.Close())
		}
	}
	warnings := e.warnings
	for _, w := range m.meta.Warnings {
		warnings = append(warnings, e.key+": "+w)
	}
	for part, n := range m.unknown() {
		if n > 0 {
			warnings = append(warnings, fmt.Sprintf("%s: %d characters are unknown to the vocabulary and left out",
				e.split.key(e.key, part), n))
		}
	}
	return &encoded{file: m, tokenizer: t, warnings: warnings}, nil
}

// write encodes the text. It splits it first, and makes the tokenizer from the training part alone.
func (e *encoding) write(w io.Writer) error {
	texts, found, long, err := e.survey()
	if err != nil {
		return err
	}
	cuts, err := e.split.cuts(long.len(), long.unit(), long.around)
	if err != nil {
		return err
	}
	t := e.tokenizer
	if t == nil {
		if len(cuts) > 0 {
			if found, err = e.surveyHead(texts, long, cuts[0]); err != nil {
				return err
			}
		}
		if t, err = tokenizer.New(e.kind, found); err != nil {
			return fmt.Errorf("data.tokenizer: %w", err)
		}
		if short := e.kind.Short(t); short != "" {
			e.skipped = append(e.skipped, short)
		}
	}
	return e.encode(w, texts, t, &cutter{textLength: long, cuts: cuts})
}

// learns is the configuration of the tokenizer to make; zero if there is one.
func (e *encoding) learns() tokenizer.Config {
	if e.tokenizer != nil {
		return tokenizer.Config{}
	}
	return e.kind
}

func (e *encoding) inMemory() (*tokensFile, error) {
	var b bytes.Buffer
	if err := e.write(&b); err != nil {
		return nil, err
	}
	return parseTokensFile(b.Bytes())
}

// cached finds the tokens in the cache, or writes them there. If the cache can't be written, it uses a temporary file,
// and if that fails, memory.
func (e *encoding) cached(dir string) (*tokensFile, error) {
	name, err := e.cacheName()
	if err != nil {
		return nil, err
	}
	if dir == "" {
		if user, err := os.UserCacheDir(); err == nil {
			dir = filepath.Join(user, "dmtrain")
		}
	}
	if dir != "" {
		path := filepath.Join(dir, name)
		if m, err := mapTokensFile(path); err == nil {
			return m, nil
		} else if errors.Is(err, errCorrupt) {
			e.warnings = append(e.warnings, fmt.Sprintf("%s: damaged, made anew", path))
		}
		m, err := e.toFile(path)
		if err == nil || !isWriteError(err) {
			return m, err
		}
		e.warnings = append(e.warnings,
			fmt.Sprintf("%s: the text's tokens can't be kept there (%v) and are made again each time", dir, err))
	}
	m, err := e.toTemporary()
	if err == nil || !isWriteError(err) {
		return m, err
	}
	return e.inMemory()
}

// cacheName is a file name that depends on all that the tokens depend on, every byte of the text included.
// Modification times are no substitute: copies and archives restore old ones.
func (e *encoding) cacheName() (string, error) {
	ids := make([]string, len(e.inputs))
	for i := range e.inputs {
		s := &e.inputs[i]
		if !s.file {
			ids[i] = s.id
			continue
		}
		if err := s.checksum(); err != nil {
			return "", fmt.Errorf("%s: %s: %w", e.key, s.name, err)
		}
		ids[i] = fmt.Sprintf("%q %x", s.name, s.sum) // the tokens file's warnings have the name
	}
	key := struct {
		Magic     string
		Kind      string
		Tokenizer map[string][]byte
		Separator string
		Split     *split   `json:",omitempty"` // the tokenizer and the tokens depend on it
		Inputs    []string `json:"Sources"`
	}{
		Magic:     tokensMagic,
		Kind:      e.kind.Identity(),
		Separator: e.separator,
		Inputs:    ids,
	}
	if e.split != (split{}) {
		key.Split = &e.split
	}
	if e.tokenizer != nil {
		key.Tokenizer = e.tokenizer.Files()
	}
	b, err := json.Marshal(key)
	if err != nil {
		panic("data: unencodable key")
	}
	return fmt.Sprintf("%x.tokens", sha256.Sum256(b)), nil
}

// writeError is a failure to write the tokens, not to read the text.
type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }

func isWriteError(err error) bool {
	_, ok := errors.AsType[*writeError](err)
	return ok
}

// tokensSink marks errors of writing as writeErrors.
type tokensSink struct{ io.Writer }

func (f tokensSink) Write(b []byte) (int, error) {
	n, err := f.Writer.Write(b)
	if err != nil {
		err = &writeError{bare(err)}
	}
	return n, err
}

// toFile writes the tokens beside path, renames the whole file to path, and maps it.
func (e *encoding) toFile(path string) (*tokensFile, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, &writeError{bare(err)}
	}
	f, err := files.Create(path)
	if err != nil {
		return nil, &writeError{bare(err)}
	}
	defer f.Discard()
	if err := e.write(tokensSink{f}); err != nil {
		return nil, err
	}
	if err := f.Commit(); err != nil {
		return nil, &writeError{bare(err)}
	}
	m, err := mapTokensFile(path)
	if err != nil {
		return nil, &writeError{bare(err)}
	}
	return m, nil
}

// toTemporary writes the tokens to a file that Close removes.
func (e *encoding) toTemporary() (*tokensFile, error) {
	dir, err := os.MkdirTemp("", "dmtrain-")
	if err != nil {
		return nil, &writeError{bare(err)}
	}
	m, err := e.toFile(filepath.Join(dir, "tokens"))
	if err != nil {
		return nil, errors.Join(err, files.RemoveAll(dir))
	}
	if files.RemoveAll(dir) == nil { // the mapping outlives the name, if the system allows it
		return m, nil
	}
	unmap := m.close
	m.close = func() error { return errors.Join(unmap(), files.RemoveAll(dir)) }
	return m, nil
}

// mapTokensFile maps a tokens file into memory.
func mapTokensFile(path string) (*tokensFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() == 0 { // an empty file can't be mapped
		return nil, errCorrupt
	}
	b, err := mmap.Map(f, mmap.RDONLY, 0)
	if err != nil {
		return nil, err
	}
	m, err := parseTokensFile(b)
	if err != nil {
		return nil, errors.Join(err, b.Unmap())
	}
	m.close = b.Unmap
	return m, nil
}
