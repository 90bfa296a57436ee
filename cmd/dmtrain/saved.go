package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"dmtrain/internal/checkpoint"
	"dmtrain/internal/config"
	"dmtrain/internal/gpu"
	"dmtrain/internal/kernels"
	"dmtrain/internal/saved"
)

// modelFlags name the model that a command reads.
type modelFlags struct{ saved.Ref }

func (s *modelFlags) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&s.Run, "run", "", "the `directory` of a training run")
	flags.StringVar(&s.Which, "which", "",
		"which checkpoint of the run: best, last or a `step` (default best, or last where none is best)")
	flags.StringVar(&s.Checkpoint, "checkpoint", "",
		"the `directory` of a checkpoint, or of a GPT-2 model in Hugging Face's format, instead of --run")
	flags.StringVar(&s.Device, "device", "auto", "where to compute: auto, cpu, cuda or cuda:N")
	must(cmd.MarkFlagDirname("run"))
	must(cmd.MarkFlagDirname("checkpoint"))
	complete(cmd, "which", "best", "last")
	complete(cmd, "device", "auto", "cpu", "cuda")
	addThreads(cmd)
}

// announce prints warnings about a saved model and, if this program supports GPUs, the device.
func (s *modelFlags) announce(stderr io.Writer, warnings []string, be kernels.Backend) {
	warnAll(stderr, warnings)
	info := be.Info()
	switch {
	case info.NoGPU != "":
		fmt.Fprintf(stderr, "dmtrain: computing on %v; %s\n", info, info.NoGPU)
	case gpu.DriverName != gpu.None:
		fmt.Fprintf(stderr, "dmtrain: computing on %v\n", info)
	}
}

func (s *modelFlags) check() error {
	switch {
	case s.Run == "" && s.Checkpoint == "":
		return usagef("name a model: --run DIRECTORY, where a run was trained, or --checkpoint DIRECTORY")
	case s.Run != "" && s.Checkpoint != "":
		return usagef("--run and --checkpoint name two models: leave one out")
	case s.Checkpoint != "" && s.Which != "":
		return usagef("--which chooses among the checkpoints of a --run; --checkpoint is one already")
	case s.Which != "" && !checkpoint.IsWhich(s.Which):
		return usagef("--which: %q is not a checkpoint: best, last or the number of a step", s.Which)
	case !config.IsDevice(s.Device):
		return usagef("--device: %q is not a device (auto, cpu, cuda, cuda:N)", s.Device)
	}
	return nil
}
