package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"dmtrain/internal/train"
)

// grace is how long a command that was interrupted, and has nothing more to save, may take to end by itself.
const grace = 400 * time.Millisecond

// interruption ends commands that do not end by themselves when they are interrupted: those that wait for input, or
// are within a long computation. Whoever has something to save holds it off until that is done.
type interruption struct {
	held    sync.RWMutex
	mu      sync.Mutex
	discard []func() // what is not finished
}

type interruptionKey struct{}

// interruptible gives a context's commands an interruption.
func interruptible(ctx context.Context) (context.Context, *interruption) {
	i := &interruption{}
	ctx = train.WithHold(ctx, func() func() {
		i.held.RLock()
		return i.held.RUnlock
	})
	return context.WithValue(ctx, interruptionKey{}, i), i
}

// watch waits until ctx is done, and then ends the process.
func (i *interruption) watch(ctx context.Context, stderr io.Writer) {
	<-ctx.Done()
	i.held.Lock() // for good: what has not begun to have something to save will not
	time.Sleep(grace)
	i.mu.Lock()
	for _, discard := range i.discard {
		discard()
	}
	fmt.Fprintln(stderr, "dmtrain: interrupted")
	os.Exit(exitInterrupted)
}

// unfinished says how to undo something if the command is interrupted.
func unfinished(ctx context.Context, discard func()) {
	if i, ok := ctx.Value(interruptionKey{}).(*interruption); ok {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.discard = append(i.discard, discard)
	}
}
