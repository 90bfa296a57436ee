//go:build amd64 || arm64

// Package planted has faulty functions in assembly, for tests.
package planted

// Illegal executes an instruction that no processor has.
func Illegal()

// Load reads from an address that no program has.
func Load()

// LoadNil reads from address 8.
func LoadNil()
