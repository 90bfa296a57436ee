package cpu

import (
	"runtime"
	"slices"
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

// Without a number of its own the pool follows Go's, which the system's quota of processors sets, not the machine's
// processors.
func TestThreadsFollowGOMAXPROCS(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, n := range []int{1, 3} {
		runtime.GOMAXPROCS(n)
		if got := open(t, 0).Info().Threads; got != n {
			t.Errorf("%d threads with GOMAXPROCS %d", got, n)
		}
	}
}

func TestChoicesSayWhyNot(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		asked := strings.TrimPrefix(t.Name(), "TestChoicesSayWhyNot/")
		passed := false
		for _, c := range Choices() {
			want := "asks for another"
			switch {
			case c.Path == asked:
				want, passed = "", true
			case passed:
				want = "slower than " + asked
			case !slices.Contains(runnable(), c.Path):
				want = "lacks"
			}
			if c.Taken != (c.Path == asked) || !strings.Contains(c.Why, want) || (c.Why == "") != c.Taken {
				t.Errorf("%+v, asked for %s", c, asked)
			}
		}
	})
}
