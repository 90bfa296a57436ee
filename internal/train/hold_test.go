package train

import (
	"context"
	"errors"
	"testing"

	"dmtrain/internal/checkpoint"
	"dmtrain/internal/task/fixture"
)

// The program can be ended until the hold begins, and not after it. So when a run asks for the hold, its directory must
// still be as it was: without a run, or with the old run that is to be overwritten.
func TestHoldBeginsBeforeTheRunIsWritten(t *testing.T) {
	c := runConfig(t, fixture.Tiny())
	holds, look := 0, func() {
		if _, err := checkpoint.ViewRun(c.Run.Dir); !errors.Is(err, checkpoint.ErrNoRun) {
			t.Errorf("before the hold a new run is there: %v", err)
		}
	}
	ctx := WithHold(context.Background(), func() func() {
		holds++
		look()
		return func() { holds-- }
	})
	if err := Run(ctx, quiet(c, Options{Until: 5})); err != nil && !errors.Is(err, ErrInterrupted) {
		t.Fatal(err)
	}
	want := outcomeOf(t, c)
	look = func() { want.equals(t, outcomeOf(t, c)) }
	for _, o := range []Options{{Overwrite: true, Until: 3}, {Resume: true, Until: 5}} {
		if err := Run(ctx, quiet(c, o)); err != nil && !errors.Is(err, ErrInterrupted) {
			t.Fatal(err)
		}
		want = outcomeOf(t, c)
	}
	if holds != 0 {
		t.Errorf("%d holds were not released", holds)
	}
}
