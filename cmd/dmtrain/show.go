package main

import (
	"io"
	"os"

	"golang.org/x/term"

	"dmtrain/internal/tokenizer"
)

// textPrinter returns a function that writes pieces of a model's text at once, or nothing if mute. It replaces what a
// terminal would interpret as commands.
func textPrinter(out io.Writer, mute bool) func(string) error {
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
