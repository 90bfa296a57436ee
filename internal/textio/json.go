package textio

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// UnmarshalJSON is json.Unmarshal for files of other programs: it skips a byte order mark, and errors name the line, or
// the key and the type that its value must have.
func UnmarshalJSON(b []byte, v any) error {
	if kind := Foreign(b); kind != "" {
		return &NotText{Reason: "not JSON but " + kind}
	}
	if b = trimMark(b); bytes.IndexByte(b, 0) >= 0 {
		return &NotText{Reason: whatHasNULs(b, 0)}
	}
	err := json.Unmarshal(b, v)
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		if !bytes.Contains(b, newline) {
			return fmt.Errorf("not valid JSON: %w", err)
		}
		at := max(0, min(len(b), int(e.Offset)-1))
		return fmt.Errorf("line %d: not valid JSON: %w", 1+bytes.Count(b[:at], newline), err)
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		field, value := strings.TrimPrefix(e.Field+": ", ": "), valueName(e.Value)
		if IsWhole(value) {
			return errors.New(field + value + " is too large, or below 0")
		}
		return errors.New(field + value + " is not " + typeName(e.Type))
	}
	return err
}

// valueName translates encoding/json's name of a kind of value to JSON's.
func valueName(value string) string {
	switch value {
	case "array":
		return "a list"
	case "object":
		return "an object"
	case "bool":
		return "true or false"
	case "string":
		return "text"
	case "number":
		return "a number"
	}
	return strings.TrimPrefix(value, "number ")
}

// typeName names the JSON type that a Go type requires.
func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return typeName(t.Elem())
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint32, reflect.Uint64:
		return "a whole number"
	case reflect.Float64, reflect.Float32:
		return "a number"
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	case reflect.Slice, reflect.Array:
		return "a list"
	}
	return "an object"
}
