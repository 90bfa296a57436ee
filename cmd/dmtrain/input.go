package main

import (
	"errors"
	"fmt"
	"io"

	"dmtrain/internal/textio"
)

// standardInput names it in messages.
const standardInput = "standard input"

// ofInput adds the name of standard input to the error of input that is not text.
func ofInput(err error) error {
	if _, ok := errors.AsType[*textio.NotText](err); ok {
		return fmt.Errorf("%s: %w", standardInput, err)
	}
	return err
}

// unknownCharacters counts characters of sources that the vocabulary lacks.
type unknownCharacters struct{ characters, lines, first int }

func (u *unknownCharacters) add(line, characters int) {
	if characters == 0 {
		return
	}
	if u.lines++; u.lines == 1 {
		u.first = line
	}
	u.characters += characters
}

func (u *unknownCharacters) warn(stderr io.Writer) {
	if u.lines > 0 {
		warn(stderr, "%d characters in %d sources, the first in line %d, are unknown to the model and left out",
			u.characters, u.lines, u.first)
	}
}

// warnOf prints warnings about a text.
func warnOf(stderr io.Writer, name string, warnings []string) {
	for _, w := range warnings {
		warn(stderr, "%s: %s", name, w)
	}
}

// warnAll prints warnings.
func warnAll(stderr io.Writer, warnings []string) {
	for _, w := range warnings {
		warn(stderr, "%s", w)
	}
}

// warn prints one warning.
func warn(stderr io.Writer, format string, args ...any) {
	fmt.Fprintf(stderr, "dmtrain: warning: "+format+"\n", args...)
}
