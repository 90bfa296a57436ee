package main

import (
	"errors"
	"fmt"
	"io"

	"dmtrain/internal/textio"
)

// standardInput is what messages call it.
const standardInput = "standard input"

// ofInput names standard input where that is no text.
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

func (u *unknownCharacters) tell(stderr io.Writer) {
	if u.lines > 0 {
		fmt.Fprintf(stderr, "dmtrain: warning: %d characters in %d sources, the first in line %d, are unknown to "+
			"the model and left out\n", u.characters, u.lines, u.first)
	}
}

// remark warns of what reading a text noticed.
func remark(stderr io.Writer, name string, remarks []string) {
	for _, r := range remarks {
		fmt.Fprintf(stderr, "dmtrain: warning: %s: %s\n", name, r)
	}
}
