package cpu

import (
	"strings"
	"testing"
)

func TestThePathIsTheOneAskedFor(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		_, want, _ := strings.Cut(t.Name(), "/")
		if got := open(t, 1).Info().Path; got != want {
			t.Errorf("path %s, want %s", got, want)
		}
	})
	t.Run("best", func(t *testing.T) {
		t.Setenv(pathVariable, "")
		if got, want := open(t, 1).Info().Path, runnable()[0]; got != want {
			t.Errorf("path %s, want the best this machine has, %s", got, want)
		}
	})
}

func TestAPathThatCannotRunIsAnError(t *testing.T) {
	bad := []string{"sse", "AVX2"}
	for _, p := range paths() {
		if len(p.lacks()) > 0 {
			bad = append(bad, p.name)
		}
	}
	for _, path := range bad {
		t.Setenv(pathVariable, path)
		if b, err := New(Options{}); err == nil {
			b.Close()
			t.Errorf("%s=%s: no error", pathVariable, path)
		} else if !strings.Contains(err.Error(), pathVariable+"="+path) {
			t.Errorf("%s=%s: error %q does not name the variable", pathVariable, path, err)
		}
	}
	t.Setenv(pathVariable, "")
	if _, err := New(Options{Threads: -1}); err == nil {
		t.Error("-1 threads: no error")
	}
}
