package main

import (
	_ "embed"

	"github.com/spf13/cobra"

	"dmtrain/internal/config"
)

// starterLM is a whole configuration for a language model, every key with its default and a comment.
//
//go:embed starter_lm.yaml
var starterLM []byte

// starterSeq2Seq is one for an encoder–decoder, without what it has no use for.
//
//go:embed starter_seq2seq.yaml
var starterSeq2Seq []byte

func initCommand() *cobra.Command {
	task := config.TaskLM
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
			starters := map[string][]byte{config.TaskLM: starterLM, config.TaskPairs: starterSeq2Seq}
			if starters[task] == nil {
				return usagef("--task: %q is not a task (lm, seq2seq)", task)
			}
			_, err := cmd.OutOrStdout().Write(starters[task])
			return err
		},
	}
	cmd.Flags().StringVar(&task, "task", task, "what the model shall do: lm (a language model) or seq2seq (pairs of texts, as in translation)")
	complete(cmd, "task", config.TaskLM, config.TaskPairs)
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
