package train

import "context"

type holdKey struct{}

// WithHold tells runs under the context what to call when they begin to have something to save. What that returns
// they call when all is saved. A program that is asked to stop has to wait until then, and no longer.
func WithHold(ctx context.Context, hold func() (release func())) context.Context {
	return context.WithValue(ctx, holdKey{}, hold)
}

func hold(ctx context.Context) (release func()) {
	if hold, ok := ctx.Value(holdKey{}).(func() func()); ok {
		return hold()
	}
	return func() {}
}
