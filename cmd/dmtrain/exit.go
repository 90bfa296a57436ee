package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"dmtrain/internal/canary"
	"dmtrain/internal/config"
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/train"
)

// Exit codes. README documents them: scripts rely on them.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2   // bad usage or configuration
	exitLeak        = 3   // a mask that shows the model its own answer
	exitInterrupted = 130 // SIGINT or SIGTERM, after saving
)

// usageError is the error of a wrong command line.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// exitCode is the exit code for err.
func exitCode(err error) int {
	var (
		usage   usageError
		invalid *config.Invalid
		leak    *mask.Leak
		canary  *canary.Error
	)
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &usage), errors.As(err, &invalid):
		return exitUsage
	case errors.As(err, &leak), errors.As(err, &canary):
		return exitLeak
	case errors.Is(err, train.ErrInterrupted), errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return exitFailed
}

// traceVar is the environment variable that makes panics and fatal errors print stacks.
const traceVar = "DMTRAIN_TRACE"

// guard runs f and prints a panic, which is always a mistake of this program, as one line.
func guard(stderr io.Writer, f func() int) (code int) {
	if os.Getenv(traceVar) == "" {
		debug.SetTraceback("none") // keeps fatal errors, which can't be recovered, short
	}
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		code = exitFailed
		if fault, ok := cause.(*kernels.Fault); ok {
			fmt.Fprintf(stderr, "dmtrain: %v; please report it with what dmtrain doctor prints\n", fault)
			return
		}
		fmt.Fprintf(stderr, "dmtrain: internal error: %v; this is a mistake in dmtrain, please report it", cause)
		if os.Getenv(traceVar) == "" {
			fmt.Fprintf(stderr, " with what %s=1 prints\n", traceVar)
			return
		}
		fmt.Fprintf(stderr, "\n%s", debug.Stack())
	}()
	return f()
}
