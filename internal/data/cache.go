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

// cacheFrom is the size of a text from which its tokens are cached.
const cacheFrom = 16 << 20

// encoded is a text's image with what goes with it.
type encoded struct {
	image     *image
	tokenizer tokenizer.Tokenizer
	warnings  []string
}

// openImage encodes the text of some sources, or finds it encoded in the cache. Without o.Tokenizer it makes
// the tokenizer that kind configures, for the part of the text that trains.
func openImage(
	key string, entries []string, separator string, kind tokenizer.Config, parts split, o Options,
) (*encoded, error) {
	sources, passed, err := resolve(key, entries)
	if err != nil {
		return nil, err
	}
	if o.CacheFrom == 0 {
		o.CacheFrom = cacheFrom
	}
	var size int64
	for _, s := range sources {
		size += s.size
	}
	job := &encoding{
		key:       key,
		sources:   sources,
		separator: separator,
		kind:      kind,
		split:     parts,
		tokenizer: o.Tokenizer,
	}
	for _, w := range passed {
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

// encoding is the work of making an image.
type encoding struct {
	key       string
	sources   []source
	separator string
	kind      tokenizer.Config
	split     split
	tokenizer tokenizer.Tokenizer // nil: to be made
	warnings  []string
	passed    []string // warnings that go with the image: what was passed over
}

// open looks into a finished image.
func (e *encoding) open(m *image) (*encoded, error) {
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
	return &encoded{image: m, tokenizer: t, warnings: warnings}, nil
}

// write encodes the text. It is split first, and the tokenizer is made from the part that trains.
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
			e.passed = append(e.passed, short)
		}
	}
	return e.encode(w, texts, t, &cutter{extent: long, cuts: cuts})
}

// learns is the configuration of the tokenizer to be made; none where there is one.
func (e *encoding) learns() tokenizer.Config {
	if e.tokenizer != nil {
		return tokenizer.Config{}
	}
	return e.kind
}

func (e *encoding) inMemory() (*image, error) {
	var b bytes.Buffer
	if err := e.write(&b); err != nil {
		return nil, err
	}
	return parseImage(b.Bytes())
}

// cached finds the image in the cache, or writes it there. Where the cache can't be written the image goes to a
// temporary file, and failing that to memory.
func (e *encoding) cached(dir string) (*image, error) {
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
		if m, err := mapImage(path); err == nil {
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

// cacheName is a file name that changes with anything the image depends on: of the text, every byte. Times of
// change don't tell: a copy or an archive may bring back an old one.
func (e *encoding) cacheName() (string, error) {
	ids := make([]string, len(e.sources))
	for i := range e.sources {
		s := &e.sources[i]
		if !s.file {
			ids[i] = s.id
			continue
		}
		if err := s.checksum(); err != nil {
			return "", fmt.Errorf("%s: %s: %w", e.key, s.name, err)
		}
		ids[i] = fmt.Sprintf("%q %x", s.name, s.sum) // warnings in the image have the name
	}
	key := struct {
		Magic     string
		Kind      string
		Tokenizer map[string][]byte
		Separator string
		Split     *split `json:",omitempty"` // where there is one, the tokenizer and the tokens depend on it
		Sources   []string
	}{
		Magic:     imageMagic,
		Kind:      e.kind.Identity(),
		Separator: e.separator,
		Sources:   ids,
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

// writeError is a failure to write an image, as against one to read the text.
type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }

func isWriteError(err error) bool {
	_, ok := errors.AsType[*writeError](err)
	return ok
}

// imageFile remembers that it was the writing that failed.
type imageFile struct{ io.Writer }

func (f imageFile) Write(b []byte) (int, error) {
	n, err := f.Writer.Write(b)
	if err != nil {
		err = &writeError{bare(err)}
	}
	return n, err
}

// toFile writes the image beside path, renames it there once it is whole, and maps it.
func (e *encoding) toFile(path string) (*image, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, &writeError{bare(err)}
	}
	f, err := files.Create(path)
	if err != nil {
		return nil, &writeError{bare(err)}
	}
	defer f.Discard()
	if err := e.write(imageFile{f}); err != nil {
		return nil, err
	}
	if err := f.Commit(); err != nil {
		return nil, &writeError{bare(err)}
	}
	m, err := mapImage(path)
	if err != nil {
		return nil, &writeError{bare(err)}
	}
	return m, nil
}

// toTemporary writes the image to a file that goes with the image.
func (e *encoding) toTemporary() (*image, error) {
	dir, err := os.MkdirTemp("", "dmtrain-")
	if err != nil {
		return nil, &writeError{bare(err)}
	}
	m, err := e.toFile(filepath.Join(dir, "tokens"))
	if err != nil {
		return nil, errors.Join(err, files.RemoveAll(dir))
	}
	if files.RemoveAll(dir) == nil { // the mapping keeps the file, where the system allows it
		return m, nil
	}
	unmap := m.close
	m.close = func() error { return errors.Join(unmap(), files.RemoveAll(dir)) }
	return m, nil
}

// mapImage maps an image file into memory.
func mapImage(path string) (*image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() == 0 { // nothing can't be mapped
		return nil, errCorrupt
	}
	b, err := mmap.Map(f, mmap.RDONLY, 0)
	if err != nil {
		return nil, err
	}
	m, err := parseImage(b)
	if err != nil {
		return nil, errors.Join(err, b.Unmap())
	}
	m.close = b.Unmap
	return m, nil
}
