package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// File is a parsed YAML file with the lines of its keys. Its values are not checked yet, since others may override
// them.
type File struct {
	Name     string
	Settings map[string]any // nested as in the text; what is unknown or left empty is absent
	Problems []Problem      // keys nobody knows, sections and settings mistaken for one another
	lines    map[string]int // by key
}

// Read parses the file at path. The error of a file that can't be opened is the operating system's.
func Read(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxSize {
		return nil, invalid([]Problem{{
			Origin: path,
			Text:   fmt.Sprintf("is not a configuration: it has more than %d KiB", maxSize>>10),
		}})
	}
	return Parse(path, text)
}

// maxSize is far more text than all settings with comments have: a file beyond it, or a device without an end, was
// named by mistake.
const maxSize = 1 << 20

// Parse reads a YAML text. Its error is an [*Invalid] saying why the text is not a configuration at all.
func Parse(name string, text []byte) (*File, error) {
	f := &File{Name: name, Settings: map[string]any{}, lines: map[string]int{}}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return f, nil // nothing but comments: the defaults
	case err != nil:
		return nil, f.syntax(err, text)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		if err != nil {
			return nil, f.syntax(err, text)
		}
		return nil, invalid([]Problem{{
			Origin: name,
			Text:   "holds more than one YAML document; a configuration is one",
		}})
	}
	// Decoding resolves aliases and merges, bounds their expansion and refuses keys given twice.
	spelled(&doc)
	var settings any
	if err := doc.Decode(&settings); err != nil {
		return nil, f.syntax(err, text)
	}
	if settings == nil {
		return f, nil
	}
	top, ok := settings.(map[string]any)
	if !ok {
		return nil, invalid([]Problem{{
			Origin: name,
			Text:   "is not a configuration: its top level must be keys and sections, as \"train: {steps: 100}\"",
		}})
	}
	f.locate("", &doc)
	f.Settings = f.known("", top)
	slices.SortStableFunc(f.Problems, func(a, b Problem) int { return f.lines[a.Key] - f.lines[b.Key] })
	return f, nil
}

// Config is the file laid over the defaults and validated but for its task. Its error is an [*Invalid] with every
// problem there is.
func (f *File) Config() (Config, error) {
	c := Default()
	if err := Check(c, slices.Concat(f.Problems, Decode(f.Settings, &c)), nil, f.Origin); err != nil {
		return Config{}, err
	}
	return c, nil
}

// Check validates c after problems found while it was put together, which count once: a key already complained of
// is not complained of again. Task are the problems of its task. Origin tells where a key was set, for problems
// that don't say.
func Check(c Config, found, task []Problem, origin func(key string) string) error {
	known := map[string]bool{}
	for _, p := range found {
		known[p.Key] = true
	}
	for _, p := range slices.Concat(task, c.Problems()) {
		if !known[p.Key] {
			found = append(found, p)
		}
	}
	for i, p := range found {
		if p.Origin == "" {
			found[i].Origin = origin(p.Key)
		}
	}
	return invalid(found)
}

// Origin is where the file sets key, "name:line", or "" when it doesn't.
func (f *File) Origin(key string) string {
	if line := f.lines[key]; line > 0 {
		return fmt.Sprintf("%s:%d", f.Name, line)
	}
	return ""
}

// known copies a section without what is empty and notes the keys nobody knows.
func (f *File) known(section string, in map[string]any) map[string]any {
	out := map[string]any{}
	for name, value := range in {
		key := join(section, name)
		if strings.Contains(name, ".") && slices.Contains(slices.Concat(Sections(), Keys()), key) {
			f.problem(key, "is written with a dot: in a file, sections hold their keys, as \""+
				strings.ReplaceAll(name, ".", ": {")+": …"+strings.Repeat("}", strings.Count(name, "."))+"\"")
			continue
		}
		below, isMap := value.(map[string]any)
		switch isSection, isKey := slices.Contains(Sections(), key), slices.Contains(Keys(), key); {
		case isSection && isMap:
			out[name] = f.known(key, below)
		case isSection && value == nil:
			// every line of it is commented out: the defaults
		case isSection:
			f.problem(key, "is a section: write its keys below it, as \""+name+": {"+children(key)[0]+": …}\"")
		case isKey && value == nil:
			f.problem(key, "has no value")
		case isKey:
			out[name] = value
		default:
			f.problem(key, Unknown(key).Text)
		}
	}
	return out
}

func (f *File) problem(key, text string) {
	origin := f.Origin(key)
	if origin == "" {
		origin = f.Name // it came in through an alias
	}
	f.Problems = append(f.Problems, Problem{origin, key, text})
}

// locate notes the line of every key written out in a mapping.
func (f *File) locate(prefix string, n *yaml.Node) {
	switch n.Kind {
	case yaml.DocumentNode:
		f.locate(prefix, n.Content[0])
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := join(prefix, n.Content[i].Value)
			f.lines[key] = n.Content[i].Line
			f.locate(key, n.Content[i+1])
		}
	}
}

var (
	lineNumber = regexp.MustCompile(`line (\d+): (?s)(.*)`)
	// The YAML parser, unlike its scanner, counts lines from 0 in what it complains of.
	fromZero = regexp.MustCompile(`^did not find expected (node content|key|'|<)`)
)

// syntax turns the YAML reader's complaints into problems with their lines.
func (f *File) syntax(err error, source []byte) error {
	texts := []string{strings.TrimPrefix(err.Error(), "yaml: ")}
	if strings.HasPrefix(texts[0], "invalid map key: ") { // what follows is Go
		texts[0] = "a list or a section stands where a key must be (a value in braces or brackets before a colon?)"
	}
	if typed := (*yaml.TypeError)(nil); errors.As(err, &typed) {
		texts = typed.Errors
	}
	var problems []Problem
	for _, text := range texts {
		p := Problem{Origin: f.Name, Text: text}
		if m := lineNumber.FindStringSubmatch(text); m != nil {
			line, _ := strconv.Atoi(m[1])
			if fromZero.MatchString(m[2]) {
				line++
			}
			p = Problem{Origin: fmt.Sprintf("%s:%d", f.Name, line), Text: m[2]}
			if tabbed := lineOf(source, line); m[2] == tabComplaint &&
				bytes.HasPrefix(bytes.TrimLeft(tabbed, " "), []byte("\t")) {
				p.Text = "is indented by a tab; YAML wants spaces"
			}
		}
		if line := 1 + bytes.Count(source[:validUTF8(source)], []byte("\n")); validUTF8(source) < len(source) {
			p = Problem{Origin: fmt.Sprintf("%s:%d", f.Name, line), Text: "is not UTF-8"}
		}
		problems = append(problems, p)
	}
	return invalid(problems)
}

// tabComplaint is the YAML reader's word for a tab that indents.
const tabComplaint = "found character that cannot start any token"

// lineOf is a line of a text, from 1.
func lineOf(text []byte, line int) []byte {
	lines := bytes.Split(text, []byte("\n"))
	if line < 1 || line > len(lines) {
		return nil
	}
	return lines[line-1]
}

// validUTF8 is how many bytes at the head of a text are valid UTF-8.
func validUTF8(text []byte) int {
	n := 0
	for n < len(text) {
		r, size := utf8.DecodeRune(text[n:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		n += size
	}
	return n
}

func join(section, name string) string {
	if section == "" {
		return name
	}
	return section + "." + name
}
