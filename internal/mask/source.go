package mask

// SourceSeed is the seed of the draws that hide source tokens: those of the target's tokens have the same purpose, rows and columns, and
// must not be repeated.
func SourceSeed(seed uint64) uint64 { return ^seed }

// SourceRates sets the probability of hiding each source token, (B, S), for sources of the given lengths: source_prob, but 0 for a
// source's end, its last token, for padding, and in rows that a dynamic form keeps as anchors. That needs no certificate: a token that
// is filled tells less, and who sees whom stays the same.
func (p *Planner) SourceRates(dst []float32, plan *Plan, lens []int32) {
	s := len(dst) / plan.B
	for n := range dst {
		row, j := n/s, n%s
		dst[n] = 0
		if j < int(lens[row])-1 && !(p.cfg.Form != FormNone && plan.Anchor[row]) {
			dst[n] = float32(p.cfg.SourceProb)
		}
	}
}
