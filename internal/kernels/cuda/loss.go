package cuda

import (
	"dmtrain/internal/gpu"
	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// Rows of wideRow logits and more are read by wideThreads threads (WIDE_THREADS in loss.cu).
const (
	wideRow     = 1000
	wideThreads = 768
)

// CrossEntropy implements kernels.Loss.
func (b *Backend) CrossEntropy(p kernels.CrossEntropy) {
	t, stride := floating(p.Logits, "Logits"), p.V+p.Pad
	logits, targets := elements(p.Logits, t, p.N*stride, "Logits"), elements(p.Targets, tensor.Int32, p.N, "Targets")
	nll, conf := optional(p.NLL, tensor.Float32, p.N, "NLL"), optional(p.Conf, tensor.Float32, p.N, "Conf")
	entropy, margin := optional(p.Entropy, tensor.Float32, p.N, "Entropy"),
		optional(p.Margin, tensor.Float32, p.N, "Margin")
	argmax, dlogits := optional(p.Argmax, tensor.Int32, p.N, "Argmax"), optional(p.DLogits, t, p.N*stride, "DLogits")
	var scale gpu.Ptr
	if dlogits != 0 {
		scale = elements(p.Scale, tensor.Float32, 1, "Scale")
	}
	if p.N == 0 {
		return
	}
	name, threads := named(t, "cross_entropy_f32", "cross_entropy_bf16"), rowThreads
	if p.V >= wideRow {
		name, threads = named(t, "cross_entropy_wide_f32", "cross_entropy_wide_bf16"), wideThreads
	}
	b.dev.Launch(name, along(p.N), threads, 0,
		address(logits), address(targets), integer(p.V), integer(stride), address(nll), address(conf), address(entropy),
		address(margin), address(argmax),
		address(dlogits), address(scale), gpu.Float(p.Smoothing), vectors(stride*t.Size(), logits, dlogits),
		address(b.fault))
}
