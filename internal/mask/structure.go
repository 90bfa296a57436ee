package mask

// The structures: static masks, before any form is applied.
const (
	StructureCausal    = "causal"    // everything up to oneself
	StructureFull      = "full"      // the whole document
	StructurePrefix    = "prefix"    // the first Window tokens see each other, the rest is causal (Raffel et al. 2020)
	StructureWindow    = "window"    // the last Window tokens (Beltagy et al. 2020)
	StructureBlocks    = "blocks"    // blocks of Window tokens: one's own and earlier ones
	StructureSinks     = "sinks"     // the last Window tokens and the document's first Sinks (Xiao et al. 2023)
	StructureLookahead = "lookahead" // unsound: Window tokens past oneself, and next-token loss all the same
)

// structure is a static mask over documents. A document is the half-open range [start, end) of a row; no
// position sees outside its own.
type structure struct {
	kind          string
	window, sinks int32
}

// level is pos of the key at j. Levels grow with j and stay within [start, end), so documents never mix: a block
// is named by its first token's index, not by a number of its own.
func (s structure) level(j, start int32) int32 {
	switch s.kind {
	case StructureFull:
		return start
	case StructurePrefix:
		if j-start < s.window {
			return start
		}
	case StructureBlocks:
		return j - (j-start)%s.window
	}
	return j
}

// lowest is lo of the query at i.
func (s structure) lowest(i, start int32) int32 {
	if s.kind == StructureWindow {
		return max(start, i-s.window+1)
	}
	return start
}

// highest is hi of the query at i while it is not a slot.
func (s structure) highest(i, start, end int32) int32 {
	if s.kind == StructureLookahead {
		return min(i+s.window, end-1)
	}
	return s.level(i, start)
}

// highestSlot is hi of a slot at i that looks w tokens ahead, within its document. Where levels are coarser than
// tokens it sees the whole level that the window's end falls into.
func (s structure) highestSlot(i, w, start int32) int32 { return s.level(i+w, start) }

// last is the largest tag that sees the key at j under structure sinks. The lower bound of the second interval
// stays at 0 (not at j), so that a slot's look-ahead is bounded by hi alone.
func (s structure) last(j, start int32) int32 {
	if j-start < s.sinks {
		return Inf
	}
	return j + s.window - 1
}

// tagged says whether the second interval is needed: attention sinks and a window are two ranges.
func (s structure) tagged() bool { return s.kind == StructureSinks }

// answerable says whether the query at i may bear the loss of the token at j while neither is hidden. Structure
// lookahead answers yes against better knowledge: it exists to be caught by the certificate.
func (s structure) answerable(i, j, start, end int32) bool {
	return s.kind == StructureLookahead || s.level(j, start) > s.highest(i, start, end)
}
