//go:build linux && (amd64 || arm64)

package trap

import (
	"fmt"
	"runtime/debug"
	"testing"

	"dmtrain/internal/kernels/cpu/trap/planted"
)

// A fault in assembly is a panic that names the function and the kind of fault, once and again.
func TestFaultsNameTheirFunction(t *testing.T) {
	Install()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	none := []int{}
	for range 3 {
		for name, f := range map[string]struct {
			run  func()
			want string
		}{
			"illegal":   {planted.Illegal, "Illegal true true"},
			"address":   {planted.Load, "Load false true"},
			"nil":       {planted.LoadNil, "LoadNil false true"},
			"elsewhere": {func() { none[len(none)]++ }, " false false"},
			"no error":  {func() { panic("planted") }, " false false"},
		} {
			if got := recovered(f.run); got != f.want {
				t.Errorf("%s: %q, want %q", name, got, f.want)
			}
		}
	}
}

func recovered(run func()) (got string) {
	defer func() {
		function, illegal, ok := Frame(recover(), "dmtrain/internal/kernels/cpu/trap/planted.")
		if !ok {
			function = ""
		}
		got = fmt.Sprint(function, " ", illegal, " ", ok)
	}()
	run()
	return "no fault"
}
