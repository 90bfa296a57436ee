package bench

import (
	"errors"
	"time"

	"dmtrain/internal/kernels"
)

// charge makes a call of an operation and charges its time and its arithmetic to its family.
func (p *Profiler) charge(o kernels.Op, args any, call func()) {
	flops := 0.0
	if o.Flops != nil {
		flops = o.Flops(args, func(m kernels.Mask) int { return p.visible[m.Tables] })
	}
	p.time(o.Family, flops, call)
	if m, ok := args.(kernels.Mask); ok {
		p.aside(func() (err error) {
			p.visible[m.Tables], err = visiblePairs(p.Backend, m)
			return err
		})
	}
}

func (p *Profiler) time(f kernels.Family, flops float64, call func()) {
	start := time.Now()
	p.watch.Start()
	call()
	seconds, err := p.watch.Stop()
	if p.fault == nil {
		p.fault = err
	}
	s := &p.spent[f]
	s.calls++
	s.seconds += seconds
	s.flops += flops
	p.own += max(0, time.Since(start).Seconds()-seconds)
}

// aside does what belongs to the profiler alone.
func (p *Profiler) aside(work func() error) {
	start := time.Now()
	if err := work(); p.fault == nil {
		p.fault = err
	}
	p.own += time.Since(start).Seconds()
}

// Upload implements kernels.Memory.
func (p *Profiler) Upload(dst kernels.Buffer, src any) {
	p.time(kernels.FamilyMemory, 0, func() { p.Backend.Upload(dst, src) })
}

// Download implements kernels.Memory.
func (p *Profiler) Download(dst any, src kernels.Buffer) (err error) {
	p.time(kernels.FamilyMemory, 0, func() { err = p.Backend.Download(dst, src) })
	err, p.fault = errors.Join(p.fault, err), nil
	return err
}

// Copy implements kernels.Memory.
func (p *Profiler) Copy(dst, src kernels.Buffer) {
	p.time(kernels.FamilyMemory, 0, func() { p.Backend.Copy(dst, src) })
}

// Zero implements kernels.Memory.
func (p *Profiler) Zero(b kernels.Buffer) {
	p.time(kernels.FamilyMemory, 0, func() { p.Backend.Zero(b) })
}

// Sync returns the first fault since the last Sync; the work is done.
func (p *Profiler) Sync() error {
	err := errors.Join(p.fault, p.Backend.Sync())
	p.fault = nil
	return err
}
