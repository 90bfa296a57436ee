//go:build !windows

package metrics

import "os"

// obeysEscapes reports whether a terminal takes escape sequences for commands.
func obeysEscapes(*os.File) bool { return true }
