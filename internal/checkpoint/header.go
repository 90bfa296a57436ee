package checkpoint

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"dmtrain/internal/tensor"
)

const (
	lengthBytes    = 8           // the header's length: a little-endian uint64
	maxHeaderBytes = 100_000_000 // the limit of the reference implementation
	metadataKey    = "__metadata__"
)

// TensorInfo describes one stored tensor.
type TensorInfo struct {
	Name  string
	DType DType
	Shape tensor.Shape

	begin, end int64 // bytes, from the end of the header
}

// parseHeader parses the JSON header of a safetensors file whose data section has dataBytes bytes. It refuses what two
// readers could understand differently: duplicate keys, data that overlaps, leaves gaps or does not end with the file,
// sizes that contradict shapes.
func parseHeader(text []byte, dataBytes int64) ([]TensorInfo, map[string]string, error) {
	if !utf8.Valid(text) {
		return nil, nil, errors.New("header is not UTF-8")
	}
	if len(text) == 0 || text[0] != '{' {
		return nil, nil, errors.New("header does not begin with '{'")
	}
	p := newHeaderParser(text)
	var infos []TensorInfo
	metadata := map[string]string{}
	err := p.object(func(key string) error {
		if key == metadataKey {
			return p.object(func(k string) (err error) {
				metadata[k], err = p.str()
				return err
			})
		}
		info, err := p.tensor(key)
		infos = append(infos, info)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("header: %w", err)
	}
	if len(bytes.Trim(text[p.dec.InputOffset():], " ")) > 0 {
		return nil, nil, errors.New("header: something other than spaces after the JSON object")
	}
	if err := checkLayout(infos, dataBytes); err != nil {
		return nil, nil, err
	}
	return infos, metadata, nil
}

// checkLayout checks that the tensors cover the data section exactly. It sorts infos by name.
func checkLayout(infos []TensorInfo, dataBytes int64) error {
	slices.SortFunc(infos, func(a, b TensorInfo) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	var at int64
	for _, t := range infos {
		if t.begin != at {
			return fmt.Errorf("tensor %q begins at byte %d, the one before it ends at %d", t.Name, t.begin, at)
		}
		at = t.end
	}
	if at != dataBytes {
		return fmt.Errorf("tensors end at byte %d of %d: the file is torn or has something appended", at, dataBytes)
	}
	slices.SortFunc(infos, func(a, b TensorInfo) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// headerParser reads JSON token by token, because decoding into structs takes the last of duplicate keys, matches keys
// in any case and ignores unknown ones.
type headerParser struct{ dec *json.Decoder }

func newHeaderParser(text []byte) headerParser {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	return headerParser{dec}
}

func (p headerParser) delim(want json.Delim) error {
	tok, err := p.dec.Token()
	if err != nil {
		return err
	}
	if d, ok := tok.(json.Delim); !ok || d != want {
		return fmt.Errorf("%v where %v should be", tok, want)
	}
	return nil
}

// object reads a JSON object, calling value after each key.
func (p headerParser) object(value func(key string) error) error {
	if err := p.delim('{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for p.dec.More() {
		key, err := p.str()
		if err != nil {
			return err
		}
		if seen[key] {
			return fmt.Errorf("duplicate key %q", key)
		}
		seen[key] = true
		if err := value(key); err != nil {
			return err
		}
	}
	return p.delim('}')
}

func (p headerParser) str() (string, error) {
	tok, err := p.dec.Token()
	if err != nil {
		return "", err
	}
	s, ok := tok.(string)
	if !ok {
		return "", fmt.Errorf("%v where a string should be", tok)
	}
	return s, nil
}

// sizes reads an array of non-negative integers.
func (p headerParser) sizes() ([]int64, error) {
	if err := p.delim('['); err != nil {
		return nil, err
	}
	var list []int64
	for p.dec.More() {
		tok, err := p.dec.Token()
		if err != nil {
			return nil, err
		}
		num, ok := tok.(json.Number)
		if !ok {
			return nil, fmt.Errorf("%v where a size should be", tok)
		}
		n, err := strconv.ParseUint(num.String(), 10, 63)
		if err != nil {
			return nil, fmt.Errorf("%v is not a size", num)
		}
		list = append(list, int64(n))
	}
	return list, p.delim(']')
}

func (p headerParser) tensor(name string) (TensorInfo, error) {
	info := TensorInfo{Name: name, Shape: tensor.Shape{}}
	var dims, offsets []int64
	fields := 0
	err := p.object(func(key string) (err error) {
		fields++
		switch key {
		case "dtype":
			var s string
			s, err = p.str()
			info.DType = DType(s)
		case "shape":
			dims, err = p.sizes()
		case "data_offsets":
			offsets, err = p.sizes()
		default:
			err = fmt.Errorf("unknown key %q", key)
		}
		return err
	})
	if err == nil && fields != 3 {
		err = errors.New("needs dtype, shape and data_offsets")
	}
	if err == nil {
		err = info.fill(dims, offsets)
	}
	if err != nil {
		return info, fmt.Errorf("tensor %q: %w", name, err)
	}
	return info, nil
}

// fill completes info and checks that dtype, shape and offsets agree.
func (t *TensorInfo) fill(dims, offsets []int64) error {
	size := int64(t.DType.Size())
	if size == 0 {
		return fmt.Errorf("dtype %q is not supported", string(t.DType))
	}
	if len(offsets) != 2 {
		return fmt.Errorf("data_offsets has %d entries, not 2", len(offsets))
	}
	t.begin, t.end = offsets[0], offsets[1]
	bytes := size
	for _, d := range dims {
		if d > math.MaxInt || d != 0 && bytes > math.MaxInt64/d {
			return fmt.Errorf("shape %v is too large", dims)
		}
		bytes *= d
		t.Shape = append(t.Shape, int(d))
	}
	if t.end < t.begin || t.end-t.begin != bytes {
		return fmt.Errorf("%s of shape %v takes %d bytes, data_offsets are %v", t.DType, t.Shape, bytes, offsets)
	}
	return nil
}
