package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// execute runs one command line and returns the exit code. It prints errors to stderr.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	started := false
	root := newRoot(&started)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitDone
	}
	if readerGone(err) {
		return exitFailed
	}
	message := strings.TrimSpace(err.Error())
	if errors.Is(err, context.Canceled) {
		message = "interrupted"
	}
	if !started { // cobra refused the command line
		err = usageError{err}
		message += fmt.Sprintf("\nRun '%s --help' for usage.", cmd.CommandPath())
	}
	fmt.Fprintf(stderr, "dmtrain: %s\n", message)
	return exitCode(err)
}

// newRoot builds the tree of commands. Started is set once a command's own work begins.
func newRoot(started *bool) *cobra.Command {
	root := &cobra.Command{
		Use:   "dmtrain",
		Short: "Train Transformers whose masks move while they learn",
		Long: `dmtrain trains Transformers whose masks move while they learn, and proves that no
moving mask shows a model its own answer.

Settings come from a YAML file (--config), from environment variables
(DMTRAIN_TRAIN_STEPS=100 is train.steps) and from --set key=value, the later overriding
the earlier. Exit codes: 0 done, 1 failed, 2 bad usage or configuration, 3 a mask that
leaks, 130 interrupted, after saving.`,
		Example: `  dmtrain train --config configs/quickstart.yaml
  dmtrain sample --run runs/quickstart`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(trainCommand(), evalCommand(), sampleCommand(), benchCommand(), doctorCommand(), maskCommand(),
		compareCommand(), initCommand(), translateCommand(), scoreCommand(), tokenizerCommand(), versionCommand(),
		manCommand())
	for _, c := range root.Commands() {
		mark(c, started)
	}
	decimalFlags(root)
	return root
}

// mark lets a command, and those under it, say that their own work has begun.
func mark(c *cobra.Command, started *bool) {
	run := c.RunE
	c.RunE = func(cmd *cobra.Command, args []string) error {
		*started = true
		if err := setThreads(cmd); err != nil {
			return err
		}
		return run(cmd, args)
	}
	for _, sub := range c.Commands() {
		mark(sub, started)
	}
}
