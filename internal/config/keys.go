package config

import (
	"cmp"
	"fmt"
	"iter"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// tag is the struct tag with a field's key.
const tag = "mapstructure"

// Keys are the keys of all settings, without sections, in the order of the file.
func Keys() []string {
	var keys []string
	for key := range leaves("", reflect.TypeFor[Config]()) {
		keys = append(keys, key)
	}
	return keys
}

// Sections are the keys of sections, such as "train" and "data.tokenizer", in the order of the file.
func Sections() []string {
	var sections []string
	for _, key := range Keys() {
		for dir := path.Dir(slashed(key)); dir != "."; dir = path.Dir(dir) {
			if s := dotted(dir); !slices.Contains(sections, s) {
				sections = append(sections, s)
			}
		}
	}
	return sections
}

// Settings are c's values by key.
func (c Config) Settings() map[string]any {
	v, settings := reflect.ValueOf(c), map[string]any{}
	for key, index := range leaves("", v.Type()) {
		settings[key] = v.FieldByIndex(index).Interface()
	}
	return settings
}

// Change is a setting that differs between two configurations.
type Change struct {
	Key      string
	Was, Now any
}

func (c Change) String() string { return fmt.Sprintf("%s: %v, was %v", c.Key, c.Now, c.Was) }

// ChangesFrom lists the settings that differ from an older configuration, in the order of the file, except some keys.
func (c Config) ChangesFrom(old Config, except []string) []Change {
	was, now := old.Settings(), c.Settings()
	var changes []Change
	for _, key := range Keys() {
		if fmt.Sprint(was[key]) != fmt.Sprint(now[key]) && !slices.Contains(except, key) {
			changes = append(changes, Change{key, was[key], now[key]})
		}
	}
	return changes
}

// leaves yields every setting below a struct type with its field index.
func leaves(prefix string, t reflect.Type) iter.Seq2[string, []int] {
	return func(yield func(string, []int) bool) {
		for _, f := range reflect.VisibleFields(t) {
			key := prefix + f.Tag.Get(tag)
			if f.Type.Kind() != reflect.Struct {
				if !yield(key, f.Index) {
					return
				}
				continue
			}
			for k, index := range leaves(key+".", f.Type) {
				if !yield(k, slices.Concat(f.Index, index)) {
					return
				}
			}
		}
	}
}

// Nearest is the known key a mistyped one most likely meant: the path fewest edits away, else the same or nearly the
// same name in another section. It is empty when nothing is near.
func Nearest(key string) string {
	known := slices.Concat(Sections(), Keys())
	byPath := func(k string) int { return levenshtein.ComputeDistance(k, key) }
	byName := func(k string) int { return levenshtein.ComputeDistance(last(k), last(key)) }
	for _, distance := range []func(string) int{byPath, byName} {
		best := slices.MinFunc(known, func(a, b string) int { return cmp.Compare(distance(a), distance(b)) })
		if distance(best) <= 1+len(last(key))/4 {
			return best
		}
	}
	return ""
}

// Unknown is the problem with a key that is not among [Keys].
func Unknown(key string) Problem {
	if slices.Contains(Sections(), key) {
		return Problem{Key: key, Text: "is a section: set one of its keys (" + strings.Join(children(key), ", ") + ")"}
	}
	if near := Nearest(key); near != "" {
		return Problem{Key: key, Text: "unknown key; did you mean " + near + "?"}
	}
	if section := dotted(path.Dir(slashed(key))); slices.Contains(Sections(), section) {
		return Problem{Key: key, Text: "unknown key; " + section + " has " + strings.Join(children(section), ", ")}
	}
	return Problem{Key: key, Text: "unknown key; known at the top are " + strings.Join(children(""), ", ")}
}

// children are the names directly below a section ("" is the file itself).
func children(section string) []string {
	var names []string
	for _, key := range Keys() {
		rest := key
		if section != "" {
			var inside bool
			if rest, inside = strings.CutPrefix(key, section+"."); !inside {
				continue
			}
		}
		name, _, _ := strings.Cut(rest, ".")
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func last(key string) string    { return path.Base(slashed(key)) }
func slashed(key string) string { return strings.ReplaceAll(key, ".", "/") }
func dotted(p string) string    { return strings.ReplaceAll(p, "/", ".") }
