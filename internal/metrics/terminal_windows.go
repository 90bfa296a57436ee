package metrics

import (
	"os"

	"golang.org/x/sys/windows"
)

// obeysEscapes makes a console interpret escape sequences, and reports whether it does.
func obeysEscapes(f *os.File) bool {
	console := windows.Handle(f.Fd())
	var mode uint32
	return windows.GetConsoleMode(console, &mode) == nil &&
		windows.SetConsoleMode(console, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
