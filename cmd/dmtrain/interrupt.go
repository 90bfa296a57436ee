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

// grace is how long an interrupted command with nothing to save may take to end by itself.
const grace = 400 * time.Millisecond

// interruption ends interrupted commands that don't end by themselves: those that wait for input or are in a long
// computation. A command with something to save holds it off until that is done.
type interruption struct {
	held    sync.RWMutex
	mu      sync.Mutex
	discard []func() // delete unfinished files
}

type interruptionKey struct{}

// interruptible adds an interruption to a context.
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
	i.held.Lock() // never unlocked: nothing new may begin to save
	time.Sleep(grace)
	i.mu.Lock()
	for _, discard := range i.discard {
		discard()
	}
	fmt.Fprintln(stderr, "dmtrain: interrupted")
	os.Exit(exitInterrupted)
}

// onInterrupt registers a function to call if the command is interrupted.
func onInterrupt(ctx context.Context, discard func()) {
	if i, ok := ctx.Value(interruptionKey{}).(*interruption); ok {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.discard = append(i.discard, discard)
	}
}
