package main

import (
	"io"
	"os"

	"golang.org/x/term"

	"dmtrain/internal/tokenizer"
)

// shower returns what writes a piece of a model's text at once, or never if it is mute. Whatever a terminal might
// obey is made harmless.
func shower(out io.Writer, mute bool) func(string) error {
	safe := func(text string) string { return text }
	if onTerminal(out) {
		safe = tokenizer.Printable
	}
	return func(text string) error {
		if mute || text == "" {
			return nil
		}
		_, err := io.WriteString(out, safe(text))
		return err
	}
}

func onTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
