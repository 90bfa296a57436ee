package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"dmtrain/internal/doctor"
	"dmtrain/internal/task/tasks"
)

func doctorCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what there is to compute with, and whether it computes rightly",
		Long: `doctor lists the CPU and the GPUs that this program can use, why it can use no GPU where
that is so, and why not the best of its paths for CPUs. On each it makes a call of every
operation in every precision, holds the result to the operation's formula, and takes some
steps of training whose losses it holds to those that the formulas give. It exits with 1
where one is wrong; having no GPU is no fault.`,
		Example: `  dmtrain doctor
  dmtrain doctor --threads 4 --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r := doctor.Examine(tasks.All())
			if err := showReport(cmd.OutOrStdout(), r, asJSON); err != nil {
				return err
			}
			if !r.Healthy {
				return doctor.ErrUnhealthy
			}
			return nil
		},
	}
	addThreads(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func showReport(w io.Writer, r doctor.Report, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(struct {
			Program buildVersion `json:"program"`
			doctor.Report
		}{readVersion(), r})
	}
	t := table{}
	t.add("program", "%v", readVersion())
	t.add("processor", "%s", r.Processor)
	t.add("  has", "%s", orNone(strings.Join(r.Features, " ")))
	for _, c := range r.Paths {
		if c.Taken {
			t.add("cpu path", "%s", c.Path)
			break
		}
		t.add("  not "+c.Path, "%s", c.Why)
	}
	t.add("gpu driver", "%s", r.Driver)
	if r.NoGPU != "" {
		t.add("gpu", "%s", r.NoGPU)
	}
	for _, d := range r.Devices {
		showDevice(&t, d)
	}
	return t.print(w)
}

func orNone(text string) string {
	if text == "" {
		return "none of the vector instructions there are kernels for"
	}
	return text
}

// showDevice adds a device with its findings: one line if all is well, else one for each fault.
func showDevice(t *table, d doctor.Device) {
	name := d.Name
	if p := d.GPU; p != nil {
		name += fmt.Sprintf(", compute capability %d.%d, %.1f GiB, %d multiprocessors", p.Major, p.Minor,
			float64(p.Memory)/(1<<30), p.Processors)
		if p.Driver != "" {
			name += ", driver for CUDA " + p.Driver
		}
	}
	t.add(d.Device, "%s", name)
	if d.MatMul != "" {
		t.add("  products", "%s", d.MatMul)
	}
	if d.Problem != "" {
		t.add("  problem", "%s", d.Problem)
	}
	right := 0
	for _, f := range d.Tests {
		if f.OK {
			right++
			continue
		}
		t.add("  wrong", "%s: %s", f.Operation, f.Problem)
	}
	if len(d.Tests) > 0 {
		t.add("  self-test", "%d of %d tests passed", right, len(d.Tests))
	}
}
