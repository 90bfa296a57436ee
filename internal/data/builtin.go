package data

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"

	"dmtrain/internal/textio"
)

// Names of generated texts. Parameters follow as in a URL: builtin:stories?mb=4&seed=2.
const (
	builtinPrefix = "builtin:"
	storiesName   = builtinPrefix + "stories"
)

// maxMegabytes bounds a generated text.
const maxMegabytes = 4096

// builtin is a generated text.
type builtin struct {
	bytes int64 // the text ends with the story that reaches this size
	seed  uint64
}

func isBuiltin(entry string) bool { return strings.HasPrefix(entry, builtinPrefix) }

// parseBuiltin parses an entry such as builtin:stories?mb=4&seed=2. The defaults, 2 MB and seed 1, do not depend on the
// run's seed, so that runs of several seeds train on the same text.
func parseBuiltin(entry string) (builtin, error) {
	b := builtin{bytes: 2e6, seed: 1}
	name, query, _ := strings.Cut(entry, "?")
	if name != storiesName {
		return b, fmt.Errorf("no such text (there is %s)", storiesName)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return b, errors.New("parameters must look like ?mb=4&seed=2")
	}
	for key, v := range values {
		switch key {
		case "mb":
			mb, err := strconv.ParseFloat(v[0], 64)
			if err != nil || !textio.IsDecimal(v[0]) || !(mb > 0 && mb <= maxMegabytes) {
				return b, fmt.Errorf("mb=%s is not a size (megabytes, up to %d)", v[0], maxMegabytes)
			}
			b.bytes = int64(mb * 1e6)
		case "seed":
			if b.seed, err = strconv.ParseUint(v[0], 10, 64); err != nil || !textio.IsWhole(v[0]) {
				return b, fmt.Errorf("seed=%s is not a seed (a whole number from 0)", v[0])
			}
		default:
			return b, fmt.Errorf("no parameter %q (there are mb and seed)", key)
		}
	}
	return b, nil
}

// storySeparator separates stories; no story contains it.
const storySeparator = "\x1e"

func (b builtin) input(name string) input {
	return input{
		name:      name,
		id:        fmt.Sprintf("%s %d %d %d", storiesName, storiesVersion, b.bytes, b.seed),
		size:      b.bytes,
		separator: storySeparator,
		open:      func() (io.ReadCloser, error) { return io.NopCloser(&storyReader{builtin: b}), nil },
	}
}

// storyReader reads stories 0, 1, 2, … up to a size.
type storyReader struct {
	builtin
	size  int64 // bytes of finished stories, without separators
	index uint32
	rest  []byte // of the story being read
}

func (r *storyReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		if r.size >= r.bytes {
			return 0, io.EOF
		}
		r.rest = append(r.rest[:0], story(r.seed, r.index)...)
		r.size += int64(len(r.rest))
		r.rest = append(r.rest, storySeparator...)
		r.index++
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}
