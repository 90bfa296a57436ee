package main

import (
	_ "embed"

	"github.com/spf13/cobra"
)

// starterLM is a whole configuration for a language model, every key with its default and a comment.
//
//go:embed starter_lm.yaml
var starterLM []byte

func initCommand() *cobra.Command {
	task := "lm"
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Print a commented configuration to start from",
		Long: `init prints a configuration with every key there is, each with its default and a
comment. Name your text in it, under data.train, and train.`,
		Example: `  dmtrain init > my.yaml
  dmtrain init --task lm > my.yaml
  dmtrain train --config my.yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if task != "lm" {
				return usagef("--task: %q is not a task (lm)", task)
			}
			_, err := cmd.OutOrStdout().Write(starterLM)
			return err
		},
	}
	cmd.Flags().StringVar(&task, "task", task, "what the model shall do: lm (a language model)")
	complete(cmd, "task", "lm")
	return cmd
}

// complete lets the shell offer a flag's values.
func complete(cmd *cobra.Command, flag string, values ...string) {
	must(cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)))
}

// must is for cobra's errors about flags that don't exist, which only a programmer can cause.
func must(err error) {
	if err != nil {
		panic("dmtrain: " + err.Error())
	}
}
