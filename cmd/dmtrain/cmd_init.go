package main

import (
	"strings"

	"github.com/spf13/cobra"

	"dmtrain/internal/task/tasks"
)

func initCommand() *cobra.Command {
	all := tasks.All()
	name := all[0].Name()
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Print a commented configuration to start from",
		Long: `init prints a configuration with every key that the task has, each with its default and a
comment. Name your text in it, under data.train, and train.`,
		Example: `  dmtrain init > my.yaml
  dmtrain init --task seq2seq > my.yaml
  dmtrain train --config my.yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			k, ok := all.Of(name)
			if !ok {
				return usagef("--task: %q is not a task (%s)", name, strings.Join(all.Names(), ", "))
			}
			_, err := cmd.OutOrStdout().Write(k.Starter())
			return err
		},
	}
	var choices []string
	for _, k := range all {
		choices = append(choices, k.Name()+" ("+k.About()+")")
	}
	cmd.Flags().StringVar(&name, "task", name, "what the model shall do: "+strings.Join(choices, " or "))
	complete(cmd, "task", all.Names()...)
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
