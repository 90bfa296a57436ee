package generate

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"dmtrain/internal/model"
)

// Acceptance says which of a round's predictions are kept. At least one is, and in the last allowed round all are.
type Acceptance struct {
	Threshold float64 // accept every prediction of at least this confidence
	Budget    float64 // instead, if above 0: accept the most reliable ones while the sum of (1 − confidence) stays at most this
	MaxRounds int     // rounds a block may take; 0 = as many as it has tokens
}

// Check tells what is impossible about the settings.
func (a Acceptance) Check() error {
	switch {
	case !(a.Threshold >= 0 && a.Threshold <= 1):
		return fmt.Errorf("threshold: %v is not a probability (0 to 1)", a.Threshold)
	case !(a.Budget >= 0):
		return fmt.Errorf("budget: %v is not 0 or more", a.Budget)
	case a.MaxRounds < 0:
		return fmt.Errorf("max-rounds: %d is not 0 (no limit) or more", a.MaxRounds)
	}
	return nil
}

// guess is one slot's prediction.
type guess struct {
	at   int // which slot
	id   int32
	conf float64
}

// accept puts the guesses to keep first, the surest first (of equal ones the first in place), and returns how many they are. Where text
// ends with the token end, it keeps to the order of the text in two cases. An End waits for all open slots before it, or is accepted
// together with them: that the text is over somewhere within the block is soon likelier than any one token of it. And if no guess is
// sure enough the first slot's is taken, not the surest: a token further on also says that the text does not end before it, and of
// many unsure ones the surest is one whose sureness is overrated. Either would distort how long texts are.
func (a Acceptance) accept(guesses []guess, end int32, last bool) int {
	slices.SortFunc(guesses, func(x, y guess) int { return cmp.Or(cmp.Compare(y.conf, x.conf), byPlace(x, y)) })
	switch {
	case last:
		return len(guesses)
	case end < 0:
		return max(1, a.sure(guesses))
	}
	first := slices.MinFunc(guesses, byPlace)
	waits := func(g guess) bool { return g.id == end && g.at != first.at }
	slices.SortStableFunc(guesses, func(x, y guess) int { return number(waits(x)) - number(waits(y)) })
	free := len(guesses)
	if n := slices.IndexFunc(guesses, waits); n >= 0 {
		free = n
	}
	keep := a.sure(guesses[:free])
	if keep == 0 {
		toFront(guesses, slices.Index(guesses, first))
		keep = 1
	}
	if free == len(guesses) {
		return keep
	}
	over := slices.MinFunc(guesses[free:], byPlace)
	if slices.ContainsFunc(guesses[keep:free], func(g guess) bool { return g.at < over.at }) {
		return keep
	}
	toFront(guesses[keep:], slices.Index(guesses[keep:], over))
	if a.sure(guesses[:keep+1]) == keep+1 {
		keep++
	}
	return keep
}

func byPlace(x, y guess) int { return cmp.Compare(x.at, y.at) }

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// toFront moves the guess at i before all others, which keep their order.
func toFront(guesses []guess, i int) {
	g := guesses[i]
	copy(guesses[1:i+1], guesses[:i])
	guesses[0] = g
}

// sure is how many of the first guesses are reliable enough to be accepted.
func (a Acceptance) sure(guesses []guess) int {
	spent := 0.0
	for i, g := range guesses {
		spent += 1 - g.conf
		if a.Budget > 0 && spent > a.Budget || a.Budget == 0 && g.conf < a.Threshold {
			return i
		}
	}
	return len(guesses)
}

// settle takes the first keep of the open guesses into a block, which ends after an End, and returns it and those that stay open.
func settle(block []int32, open []guess, keep int, end int32) ([]int32, []guess) {
	for _, g := range open[:keep] {
		block[g.at] = g.id
	}
	over := len(block)
	for _, g := range open[:keep] {
		if g.id == end {
			over = min(over, g.at+1)
		}
	}
	return block[:over], slices.DeleteFunc(open[keep:], func(g guess) bool { return g.at >= over })
}

// Rounds is what a parallel sample took.
type Rounds struct {
	Passes int // of the model, the prompt's aside
	Tokens int
}

// PerToken is passes for each token; 0 without tokens.
func (r Rounds) PerToken() float64 {
	if r.Tokens == 0 {
		return 0
	}
	return float64(r.Passes) / float64(r.Tokens)
}

// Parallel continues the prompt in blocks of slots. Each round predicts all open slots of the block, seeing the text and what has
// been accepted of the block on either side; a finished block becomes ordinary text. An open slot that follows a token and has none
// ahead is predicted by that token, as ever: so blocks of one are causal decoding.
func (d *Decoder) Parallel(ctx context.Context, prompt []int32, block int, a Acceptance, o Options, emit Emit) (Rounds, error) {
	var r Rounds
	if err := checkBlock(block, d.m.Context); err != nil {
		return r, err
	}
	first, rest, err := d.blockPasses(block)
	if err != nil {
		return r, err
	}
	defer first.Free()
	defer rest.Free()
	b := blockDecoder{Acceptance: a, Options: o, sampler: sampler{Sampling: o.Sampling}, d: d, size: block, first: first, rest: rest,
		text: newHistory(d.m, &d.static, prompt), rounds: &r}
	for r.Tokens < o.MaxTokens {
		ids, err := b.block(ctx, min(block, o.MaxTokens-r.Tokens), len(prompt)+r.Tokens)
		if err != nil {
			return r, err
		}
		for _, id := range ids {
			if id == o.End {
				return r, nil
			}
			r.Tokens++
			if err := emit(id); err != nil {
				return r, err
			}
		}
	}
	return r, nil
}

// checkBlock tells when a block of so many tokens does not fit twice into a model's context, as it must with the block before it.
func checkBlock(block, context int) error {
	if block < 1 || block > context/2 {
		return fmt.Errorf("block: %d tokens is not within 1 … %d, half the model's context", block, context/2)
	}
	return nil
}

// blockPasses records a block's first pass, which also reads the block before, and that of its later rounds.
func (d *Decoder) blockPasses(block int) (first, rest *model.Decode, err error) {
	o := model.DecodeOptions{Sources: 1, Beams: 1, T: 2 * block, Second: d.read.Second}
	if first, err = d.m.NewDecode(o, d.read); err != nil {
		return nil, nil, err
	}
	o.T = block
	if rest, err = d.m.NewDecode(o, d.read); err != nil {
		first.Free()
		return nil, nil, err
	}
	return first, rest, nil
}

// blockDecoder decodes one sequence block by block.
type blockDecoder struct {
	Acceptance
	Options
	sampler
	d           *Decoder
	size        int // of a block
	first, rest *model.Decode
	text        *history
	next        []float32 // the logits after the text's last token
	rounds      *Rounds
}

// prepare makes room for n tokens and reads all of the text but its last block, which the next block's first pass reads. That is
// much to read for a prompt and for a text that has just outgrown the context, and nothing otherwise.
func (b *blockDecoder) prepare(n int) error {
	b.text.reserve(n)
	all := b.text.ids
	b.text.ids = all[:max(0, len(all)-b.size)]
	_, err := b.text.catchUp(b.d.read, b.d.next)
	b.text.ids = all
	return err
}

// block predicts the next n tokens of the text, and appends them. position counts from the sequence's beginning, for the draws.
func (b *blockDecoder) block(ctx context.Context, n, position int) ([]int32, error) {
	if err := b.prepare(n); err != nil {
		return nil, err
	}
	ids := make([]int32, n)
	open := make([]guess, n)
	for i := range open {
		open[i].at = i
	}
	for round := 1; len(open) > 0; round++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := b.round(ids, open, position); err != nil {
			return nil, err
		}
		keep := b.accept(open, b.End, b.MaxRounds > 0 && round >= b.MaxRounds)
		ids, open = settle(ids, open, keep, b.End)
	}
	b.text.ids = append(b.text.ids, ids...)
	return ids, nil
}

// round predicts the open slots; the others of ids are accepted.
func (b *blockDecoder) round(ids []int32, open []guess, position int) error {
	behind := len(b.text.ids) - b.text.cached
	d := b.rest
	if behind > 0 {
		d = b.first
	}
	t := b.text.tokens(d)
	for i := range behind {
		b.text.ordinary(t, i, b.text.cached+i)
	}
	at, end := len(b.text.ids), len(b.text.ids)+len(ids)-1
	isOpen := make([]bool, len(ids))
	for _, g := range open {
		isOpen[g.at] = true
	}
	for i := range ids {
		if isOpen[i] {
			b.text.slot(t, behind+i, at+i, min(at+i+b.d.window, end))
		} else {
			b.text.visible(t, behind+i, at+i, ids[i])
		}
	}
	logits, err := b.text.run(d, t)
	if err != nil {
		return err
	}
	b.text.cached += behind
	b.rounds.Passes++
	v := b.text.vocab
	row := func(i int) []float32 { return logits[i*v : (i+1)*v] }
	if behind > 0 {
		b.next = append(b.next[:0], row(behind-1)...)
	}
	for i := range open {
		own := predictor(isOpen, open[i].at, b.d.window, b.next, func(i int) []float32 { return row(behind + i) })
		open[i].id, open[i].conf = b.pick(own, b.Sequence, position+open[i].at, b.Banned)
	}
	return nil
}

// predictor is the logits that predict the slot at a place of a block: the slot's own if it sees a token after it, and otherwise those
// of the token before it, which before the block is the text's last, with the logits next. A slot between open ones has only its own.
func predictor(isOpen []bool, at, window int, next []float32, row func(i int) []float32) []float32 {
	switch {
	case seesAhead(isOpen, at, window):
		return row(at)
	case at == 0:
		return next
	case !isOpen[at-1]:
		return row(at - 1)
	}
	return row(at)
}

// seesAhead says whether the slot at a place of the block sees a token after it. Only then does it know more than the token
// before it, whose own prediction of the next one, trained on every token, is the better one otherwise.
func seesAhead(isOpen []bool, at, window int) bool {
	for j := at + 1; j < len(isOpen) && j <= at+window; j++ {
		if !isOpen[j] {
			return true
		}
	}
	return false
}
