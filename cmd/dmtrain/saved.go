package main

import (
	"github.com/spf13/cobra"

	"dmtrain/internal/train"
)

// saved says which model a command reads.
type saved struct{ train.Source }

func (s *saved) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&s.Run, "run", "", "the `directory` of a training run")
	flags.StringVar(&s.Which, "which", "", "which checkpoint of the run: best, last or a `step` (default best, or last where none is best)")
	flags.StringVar(&s.Checkpoint, "checkpoint", "", "the `directory` of a checkpoint, or of a GPT-2 model in Hugging Face's format, instead of --run")
	flags.StringVar(&s.Device, "device", "auto", "where to compute: auto, cpu, cuda or cuda:N")
	must(cmd.MarkFlagDirname("run"))
	must(cmd.MarkFlagDirname("checkpoint"))
	complete(cmd, "which", "best", "last")
	complete(cmd, "device", "auto", "cpu", "cuda")
}

func (s *saved) check() error {
	switch {
	case s.Run == "" && s.Checkpoint == "":
		return usagef("name a model: --run DIRECTORY, where a run was trained, or --checkpoint DIRECTORY")
	case s.Run != "" && s.Checkpoint != "":
		return usagef("--run and --checkpoint name two models: leave one out")
	case s.Checkpoint != "" && s.Which != "":
		return usagef("--which chooses among the checkpoints of a --run; --checkpoint is one already")
	}
	return nil
}
