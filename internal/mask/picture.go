package mask

import "dmtrain/internal/batch"

// cell is what a picture shows of a query–key pair.
type cell uint8

const (
	cellUnseen cell = iota
	cellSeen        // visible, at or before the query
	cellAhead       // visible, after the query
	cellFilled      // visible, but its token is hidden: only its position tells
	cellAnswer      // what the query must predict
	cellLeak        // the same, and visible: the query is shown its answer
)

// cell classifies the pair of query i and key j.
func (p *Plan) cell(b, i, j int) cell {
	n := b * p.T
	hidden := p.Hidden[n+j] != 0
	visible := p.Mask.Visible(b, i, j)
	switch {
	case int(p.Answer[n+i]) == j && visible && !hidden:
		return cellLeak
	case int(p.Answer[n+i]) == j:
		return cellAnswer
	case !visible:
		return cellUnseen
	case hidden:
		return cellFilled
	case j > i:
		return cellAhead
	}
	return cellSeen
}

// kind is what a picture's margin shows of a position.
type kind uint8

const (
	kindPadding kind = iota
	kindPlain        // a token that bears no loss
	kindCausal       // a token that predicts the next one
	kindHidden       // a filled token that others attend to
	kindSlot         // a filled token that no one attends to
)

func (p *Plan) kind(rows *batch.Batch, b, t int) kind {
	n := b*p.T + t
	switch {
	case rows.Start[n] < 0:
		return kindPadding
	case p.Slot(b, t):
		return kindSlot
	case p.Hidden[n] != 0:
		return kindHidden
	case p.Targets[n] >= 0:
		return kindCausal
	}
	return kindPlain
}

// boundary says whether a document ends before position t (1 … T−1).
func boundary(r *batch.Batch, b, t int) bool {
	n := b*r.T + t
	return r.Start[n] != r.Start[n-1]
}

// blocks cuts T positions into at most n ranges of equal length.
func blocks(t, n int) (size int) { return max(1, (t+n-1)/n) }
