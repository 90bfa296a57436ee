//go:build (!amd64 && !arm64) || purego

package cpu

// simdPaths is empty: this build has no assembly.
func simdPaths() []path { return nil }
