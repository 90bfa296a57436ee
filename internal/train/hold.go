package train

import "context"

type holdKey struct{}

// WithHold makes runs under the context call hold when they begin to have something to save, and the returned release
// when all is saved. A program that is asked to stop waits until then.
func WithHold(ctx context.Context, hold func() (release func())) context.Context {
	return context.WithValue(ctx, holdKey{}, hold)
}

func hold(ctx context.Context) (release func()) {
	if hold, ok := ctx.Value(holdKey{}).(func() func()); ok {
		return hold()
	}
	return func() {}
}
