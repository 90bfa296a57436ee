// Command dmtrain trains Transformers whose masks move while they learn, evaluates them and samples from them.
//
// Each command is in a file cmd_NAME.go: its flags fill an options struct, which becomes one call into internal.
// load.go combines settings from a YAML file, environment variables and --set.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	os.Exit(guard(os.Stderr, func() int {
		// The first signal asks for an orderly end; the second one kills. A closed pipe ("dmtrain train | head")
		// must not kill a training run: writing to it is an ordinary error.
		signal.Ignore(syscall.SIGPIPE)
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
		defer context.AfterFunc(ctx, stop)()
		ctx, i := interruptible(ctx)
		go i.watch(ctx, os.Stderr)
		return execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
	}))
}
