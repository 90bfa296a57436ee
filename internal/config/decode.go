package config

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/go-viper/mapstructure/v2"
)

// Decode applies nested settings to c. Unknown keys and values of wrong types are problems.
func Decode(settings map[string]any, c *Config) []Problem {
	dec, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{Result: c, ErrorUnused: true, DecodeHook: Hook()})
	if err != nil {
		panic("config: " + err.Error())
	}
	if err := dec.Decode(settings); err != nil {
		return DecodeProblems(err)
	}
	return nil
}

// Hook converts a setting to its field's type without losing anything: 3.7 is no whole number, one value is no pair.
// A string is read as YAML where the field is not text, so that environment variables and flags may say
// "1e-3" or "[0.9, 0.95]".
func Hook() mapstructure.DecodeHookFunc {
	return mapstructure.DecodeHookFuncValue(func(from, to reflect.Value) (any, error) {
		if to.Kind() == reflect.Struct {
			return from.Interface(), nil
		}
		v, err := convert(from.Interface(), to.Type())
		if err != nil {
			return nil, err
		}
		return v.Interface(), nil
	})
}

// DecodeProblems turns an error of mapstructure into problems, one a key.
func DecodeProblems(err error) []Problem {
	switch e := err.(type) {
	case *mapstructure.DecodeError:
		return []Problem{{Key: e.Name(), Text: e.Unwrap().Error()}}
	case interface{ Unwrap() []error }:
		var problems []Problem
		for _, err := range e.Unwrap() {
			problems = append(problems, DecodeProblems(err)...)
		}
		return problems
	case interface{ Unwrap() error }:
		return DecodeProblems(e.Unwrap())
	}
	return []Problem{{Text: err.Error()}}
}

func convert(from any, to reflect.Type) (reflect.Value, error) {
	if text, ok := from.(string); ok {
		if !utf8.ValidString(text) {
			return wrong(from, "valid UTF-8")
		}
		from = plain(text, to)
	}
	if v := reflect.ValueOf(from); v.IsValid() && v.Type() == to {
		return v, nil // a default, or a value that YAML gave in the right type
	}
	switch to.Kind() {
	case reflect.Int, reflect.Uint64:
		return whole(from, to)
	case reflect.Float64:
		switch x := from.(type) {
		case int:
			return reflect.ValueOf(float64(x)), nil
		case uint64:
			return reflect.ValueOf(float64(x)), nil
		}
		return wrong(from, plainly(from, "a number"))
	case reflect.Bool:
		return wrong(from, "true or false")
	case reflect.String:
		return wrong(from, "text (in quotes it would be)")
	case reflect.Slice, reflect.Array:
		return items(from, to)
	}
	panic("config: a setting of a kind that has no conversion: " + to.String())
}

// plain is the value of a string for a field of type to: the string itself, or its value as YAML. Lists of numbers may
// omit the brackets.
func plain(text string, to reflect.Type) any {
	isList := to.Kind() == reflect.Slice || to.Kind() == reflect.Array
	switch {
	case to.Kind() == reflect.String:
		return text
	case isList && to.Elem().Kind() != reflect.String && !strings.HasPrefix(text, "["):
		text = "[" + text + "]"
	}
	x, err := parseValue(text)
	if err != nil || x == nil {
		return text
	}
	if _, got := x.([]any); isList && !got {
		return text // one file name, whatever else YAML might see in it
	}
	return x
}

func whole(from any, to reflect.Type) (reflect.Value, error) {
	out := reflect.New(to).Elem()
	if x, ok := from.(float64); ok && x == math.Trunc(x) && math.Abs(x) < 1<<53 {
		from = int(x) // 1e6 is a whole number
	}
	switch x := from.(type) {
	case int:
		if out.CanInt() {
			out.SetInt(int64(x))
			return out, nil
		}
		if x >= 0 {
			out.SetUint(uint64(x))
			return out, nil
		}
		return wrong(from, "a whole number from 0 up")
	case uint64:
		if out.CanUint() {
			out.SetUint(x)
			return out, nil
		}
	}
	return wrong(from, plainly(from, "a whole number"))
}

func items(from any, to reflect.Type) (reflect.Value, error) {
	values, ok := from.([]any)
	if !ok && from != "" {
		values = []any{from} // one value is a list of one, nothing an empty list
	}
	out := reflect.New(to).Elem()
	if to.Kind() == reflect.Slice {
		out.Set(reflect.MakeSlice(to, len(values), len(values)))
	}
	if len(values) != out.Len() {
		return wrong(from, fmt.Sprintf("a list of %d values", out.Len()))
	}
	for i, item := range values {
		x, err := convert(item, to.Elem())
		if err != nil {
			return reflect.Value{}, err
		}
		out.Index(i).Set(x)
	}
	return out, nil
}

func wrong(from any, want string) (reflect.Value, error) {
	return reflect.Value{}, fmt.Errorf("%s is not %s", spell(from), want)
}

// spell writes a value as users do.
func spell(from any) string {
	switch x := from.(type) {
	case nil:
		return "nothing"
	case string:
		return fmt.Sprintf("%q", x)
	case map[string]any, map[any]any:
		return "a section"
	case []any:
		parts := make([]string, len(x))
		for i, item := range x {
			parts[i] = spell(item)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return fmt.Sprint(from)
}
