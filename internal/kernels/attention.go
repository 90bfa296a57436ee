package kernels

import "dmtrain/internal/rng"

// Attention is scaled dot-product attention under interval masks, computed over tiles with an online softmax
// (Milakov and Gimelshein 2018; Dao et al. 2022): no T×S matrix exists, hidden tiles cost nothing.
type Attention interface {
	// Attention sets, per batch row and head,
	//
	//	Out[i] = Σ_j p_ij·V[j],  p_ij = visible(i,j)·exp(s_ij) / Σ_j visible(i,j)·exp(s_ij),  s_ij = Q[i]·K[j]/√D
	//
	// and LSE[i] = ln Σ_j visible(i,j)·exp(s_ij). A query that sees no key gets Out 0 and LSE 0. A hidden key never
	// enters the arithmetic: whatever finite value it holds, the output has the same bits.
	Attention(AttentionForward)
	// AttentionBackward assigns DQ, DK and DV. A query that sees nothing passes no gradient.
	AttentionBackward(AttentionBackward)
}

// AttentionForward is one attention over a batch: T queries, S keys, H heads of width D. Head h's part of a
// row is columns h·D … (h+1)·D−1. Rows of Q and Out are b·T+i; rows of K and V are b·S+j.
type AttentionForward struct {
	T, S, H, D int
	Q, K, V    Strided
	Out        Strided
	LSE        Buffer // float32 (B, H, T)
	Mask       Mask   // its Batch is B
	Drop       EdgeDrop
}

// Flops counts Q·Kᵀ and P·V over so many visible pairs of query and key, all heads.
func (a AttentionForward) Flops(pairs int) float64 { return 4 * float64(pairs) * float64(a.H*a.D) }

// AttentionBackward is its gradient. Delta is scratch.
type AttentionBackward struct {
	T, S, H, D int
	DQ, DK, DV Strided
	Q, K, V    Strided
	Out, DOut  Strided
	LSE, Delta Buffer // float32 (B, H, T)
	Mask       Mask
	Drop       EdgeDrop
}

// Flops counts Q·Kᵀ again, dOut·Vᵀ, and the products that make dQ, dK and dV.
func (a AttentionBackward) Flops(pairs int) float64 { return 10 * float64(pairs) * float64(a.H*a.D) }

// EdgeDrop removes single attention edges at random: p_ij becomes 0 where Unit(draw) < Rate and p_ij/(1−Rate)
// elsewhere, after the softmax, as dropout on attention weights does (LSE is over all visible keys). The draw's
// line is (first+b)·T+i, its column j, its purpose Purpose.At(layer, head). Rate 0 drops nothing.
type EdgeDrop struct {
	Rate  float32
	Layer int
	Draw  Draw
}

// Purpose is the stream of one head's edges.
func (e EdgeDrop) Purpose(head int) rng.Purpose { return rng.Edge.At(e.Layer, head) }
