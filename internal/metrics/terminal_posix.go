//go:build !windows

package metrics

import "os"

// obeysEscapes reports whether a terminal interprets escape sequences.
func obeysEscapes(*os.File) bool { return true }
