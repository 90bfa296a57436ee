package cuda

import (
	"dmtrain/internal/gpu"
	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// CrossEntropy implements kernels.Loss.
func (b *Backend) CrossEntropy(p kernels.CrossEntropy) {
	t := floating(p.Logits, "Logits")
	logits, targets := elements(p.Logits, t, p.N*p.V, "Logits"), elements(p.Targets, tensor.Int32, p.N, "Targets")
	nll, conf := optional(p.NLL, tensor.Float32, p.N, "NLL"), optional(p.Conf, tensor.Float32, p.N, "Conf")
	entropy, margin := optional(p.Entropy, tensor.Float32, p.N, "Entropy"), optional(p.Margin, tensor.Float32, p.N, "Margin")
	argmax, dlogits := optional(p.Argmax, tensor.Int32, p.N, "Argmax"), optional(p.DLogits, t, p.N*p.V, "DLogits")
	var scale gpu.Ptr
	if dlogits != 0 {
		scale = elements(p.Scale, tensor.Float32, 1, "Scale")
	}
	if p.N > 0 {
		b.dev.Launch(named(t, "cross_entropy_f32", "cross_entropy_bf16"), along(p.N), rowThreads, 0,
			address(logits), address(targets), integer(p.V), address(nll), address(conf), address(entropy), address(margin), address(argmax),
			address(dlogits), address(scale), gpu.Float(p.Smoothing), address(b.fault))
	}
}
