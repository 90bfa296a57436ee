package gpu

import "dmtrain/internal/gpu/driver"

// BLAS is a library of matrix products on a device.
type BLAS struct {
	d   *Device
	lib driver.BLAS
}

// BLAS opens the device's library: cuBLASLt, looked for at run time. An error means only that the project's own kernels
// must do.
func (d *Device) BLAS() (*BLAS, error) {
	lib, err := d.drv.OpenBLAS()
	if err != nil {
		return nil, err
	}
	return &BLAS{d, lib}, nil
}

// Name says which library it is and where it was found.
func (b *BLAS) Name() string { return b.lib.Name() }

// MatMul computes a product.
func (b *BLAS) MatMul(m MatMul) {
	if b.d.err == nil {
		b.d.check(b.lib.MatMul(m))
	}
}

// Close gives the library back.
func (b *BLAS) Close() { b.lib.Close() }
