package bench

import (
	"errors"

	"dmtrain/internal/kernels"
)

// Each operation of the contract, charged to its family.

// Upload implements kernels.Memory.
func (p *Profiler) Upload(dst kernels.Buffer, src any) {
	p.time(Memory, 0, func() { p.be.Upload(dst, src) })
}

// Download implements kernels.Memory.
func (p *Profiler) Download(dst any, src kernels.Buffer) (err error) {
	p.time(Memory, 0, func() { err = p.be.Download(dst, src) })
	err, p.fault = errors.Join(p.fault, err), nil
	return err
}

// Copy implements kernels.Memory.
func (p *Profiler) Copy(dst, src kernels.Buffer) {
	p.time(Memory, 0, func() { p.be.Copy(dst, src) })
}

// Zero implements kernels.Memory.
func (p *Profiler) Zero(b kernels.Buffer) { timed(p, Memory, 0, p.be.Zero, b) }

// MatMul implements kernels.Linear.
func (p *Profiler) MatMul(a kernels.MatMul) {
	timed(p, MatMul, 2*float64(a.M)*float64(a.N)*float64(a.K), p.be.MatMul, a)
}

// BiasGrad implements kernels.Linear.
func (p *Profiler) BiasGrad(a kernels.BiasGrad) { timed(p, Elementwise, 0, p.be.BiasGrad, a) }

// Embed implements kernels.Embedding.
func (p *Profiler) Embed(a kernels.Embed) { timed(p, Embedding, 0, p.be.Embed, a) }

// EmbedBackward implements kernels.Embedding.
func (p *Profiler) EmbedBackward(a kernels.EmbedBackward) {
	timed(p, Embedding, 0, p.be.EmbedBackward, a)
}

// PutRows implements kernels.Embedding.
func (p *Profiler) PutRows(a kernels.PutRows) { timed(p, Embedding, 0, p.be.PutRows, a) }

// GetRows implements kernels.Embedding.
func (p *Profiler) GetRows(a kernels.GetRows) { timed(p, Embedding, 0, p.be.GetRows, a) }

// LayerNorm implements kernels.Norm.
func (p *Profiler) LayerNorm(a kernels.LayerNorm) { timed(p, Norm, 0, p.be.LayerNorm, a) }

// LayerNormBackward implements kernels.Norm.
func (p *Profiler) LayerNormBackward(a kernels.LayerNormBackward) {
	timed(p, Norm, 0, p.be.LayerNormBackward, a)
}

// Add implements kernels.Elementwise.
func (p *Profiler) Add(a kernels.Add) { timed(p, Elementwise, 0, p.be.Add, a) }

// Scale implements kernels.Elementwise.
func (p *Profiler) Scale(a kernels.Scale) { timed(p, Elementwise, 0, p.be.Scale, a) }

// GeluBackward implements kernels.Elementwise.
func (p *Profiler) GeluBackward(a kernels.GeluBackward) {
	timed(p, Elementwise, 0, p.be.GeluBackward, a)
}

// Dropout implements kernels.Elementwise.
func (p *Profiler) Dropout(a kernels.Dropout) { timed(p, Elementwise, 0, p.be.Dropout, a) }

// Bernoulli implements kernels.Masking.
func (p *Profiler) Bernoulli(a kernels.Bernoulli) { timed(p, Masking, 0, p.be.Bernoulli, a) }

// MaskedFill implements kernels.Masking.
func (p *Profiler) MaskedFill(a kernels.MaskedFill) { timed(p, Masking, 0, p.be.MaskedFill, a) }

// MaskedFillBackward implements kernels.Masking.
func (p *Profiler) MaskedFillBackward(a kernels.MaskedFillBackward) {
	timed(p, Masking, 0, p.be.MaskedFillBackward, a)
}

// PrepareMask implements kernels.Masking.
func (p *Profiler) PrepareMask(m kernels.Mask) {
	timed(p, Masking, 0, p.be.PrepareMask, m)
	p.aside(func() (err error) {
		p.visible[m.Tables], err = visiblePairs(p.be, m)
		return err
	})
}

// Attention implements kernels.Attention.
func (p *Profiler) Attention(a kernels.AttentionForward) {
	timed(p, Attention, forwardFlops(p.visible[a.Mask.Tables], a.H, a.D), p.be.Attention, a)
}

// AttentionBackward implements kernels.Attention.
func (p *Profiler) AttentionBackward(a kernels.AttentionBackward) {
	timed(p, Attention, backwardFlops(p.visible[a.Mask.Tables], a.H, a.D), p.be.AttentionBackward, a)
}

// CrossEntropy implements kernels.Loss.
func (p *Profiler) CrossEntropy(a kernels.CrossEntropy) { timed(p, Loss, 0, p.be.CrossEntropy, a) }

// SquaredNorm implements kernels.Optim.
func (p *Profiler) SquaredNorm(a kernels.SquaredNorm) { timed(p, Optim, 0, p.be.SquaredNorm, a) }

// AdamW implements kernels.Optim.
func (p *Profiler) AdamW(a kernels.AdamW) { timed(p, Optim, 0, p.be.AdamW, a) }
