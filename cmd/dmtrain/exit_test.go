package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"dmtrain/internal/config"
	"dmtrain/internal/mask"
	"dmtrain/internal/train"
)

func TestExitCodes(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("disk full"), 1},
		{usagef("--which: no"), 2},
		{fmt.Errorf("x: %w", &config.Invalid{}), 2},
		{fmt.Errorf("step 3: %w", &mask.Leak{}), 3},
		{context.Canceled, 130},
		{fmt.Errorf("%w; go on by …", train.ErrInterrupted), 130},
	} {
		if got := exitCode(tc.err); got != tc.want {
			t.Errorf("exitCode(%v) = %d, want %d", tc.err, got, tc.want)
		}
	}
}

func TestGuardTurnsAPanicIntoOneLine(t *testing.T) {
	broken := func() int {
		var none []int
		return none[len(none)]
	}
	var out bytes.Buffer
	t.Setenv(traceVar, "")
	if code := guard(&out, broken); code != exitFailed || strings.Count(out.String(), "\n") != 1 ||
		!strings.Contains(out.String(), "DMTRAIN_TRACE=1") {
		t.Errorf("exit %d and %q", code, &out)
	}
	out.Reset()
	t.Setenv(traceVar, "1")
	if guard(&out, broken); !strings.Contains(out.String(), "exit_test.go") {
		t.Errorf("no trace in %q", &out)
	}
	if code := guard(&out, func() int { return 7 }); code != 7 {
		t.Errorf("exit %d without a panic", code)
	}
}
