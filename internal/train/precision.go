package train

import (
	"errors"
	"fmt"

	"dmtrain/internal/backend"
	"dmtrain/internal/config"
	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// precision is the type that the passes of a configuration's training compute in.
func precision(c config.Config) tensor.DType {
	if c.Precision == config.BF16 {
		return tensor.BFloat16
	}
	return tensor.Float32
}

// openDevice opens the device that a configuration trains on, and refuses one that doesn't have its precision. The CPU computes on so many
// threads; 0 are all.
func openDevice(c config.Config, threads int) (kernels.Backend, error) {
	be, err := backend.OpenThreads(c.Device, threads)
	if err != nil {
		return nil, err
	}
	if err := checkPrecision(be, c); err != nil {
		return nil, errors.Join(err, be.Close())
	}
	return be, nil
}

func checkPrecision(be kernels.Backend, c config.Config) error {
	if info := be.Info(); precision(c) == tensor.BFloat16 && !info.BFloat16 {
		why := ""
		if info.NoGPU != "" {
			why = " (" + info.NoGPU + ")"
		}
		return fmt.Errorf("precision: bf16 needs a CUDA device, but device: %s is %s here%s; precision: fp32 works on both", c.Device, info.Name, why)
	}
	return nil
}
