// Command dmtrain trains Transformers whose masks move while they learn, evaluates them and samples from them.
//
// There is one file for each command: its flags fill an options struct, which becomes one call into internal.
// Settings come from a YAML file, environment variables and --set, laid over one another in load.go.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	os.Exit(guard(os.Stderr, func() int {
		// The first signal asks for an orderly end; the second one kills.
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer context.AfterFunc(ctx, stop)()
		return execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
	}))
}
