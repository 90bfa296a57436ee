package generate

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"dmtrain/internal/batch"
	"dmtrain/internal/mask"
	"dmtrain/internal/model"
)

// Translation says how targets are decoded.
type Translation struct {
	Beams         int     // 1 = greedy, or sampling where Temperature is above 0
	LengthPenalty float64 // α of Wu et al. 2016: a hypothesis' log-probability is divided by ((5 + length)/6)^α
	MaxTokens     int     // of a target; 0 = as many as the model has positions for
	Batch         int     // sources decoded at once
	Sampling              // Temperature 0 = none
	Begin, End    int32
}

// Hypothesis is a decoded target, Begin and End left out.
type Hypothesis struct {
	IDs   []int32
	Score float64 // log-probability, after the length penalty
}

// Check tells what is impossible about the settings.
func (o Translation) Check() error {
	switch {
	case o.Beams < 1:
		return fmt.Errorf("beams: %d is not 1 or more", o.Beams)
	case o.Beams > 1 && o.Temperature > 0:
		return fmt.Errorf("temperature: beams search for the most probable target; sampling needs beams 1")
	case o.Batch < 1:
		return fmt.Errorf("batch: %d is not 1 or more", o.Batch)
	case o.MaxTokens < 0:
		return fmt.Errorf("max-tokens: %d is not 0 or more", o.MaxTokens)
	case math.IsNaN(o.LengthPenalty) || math.IsInf(o.LengthPenalty, 0):
		return fmt.Errorf("length-penalty: %v is not a number", o.LengthPenalty)
	}
	return o.Sampling.Check()
}

// Translate is a Translator's for sources that are all there.
func Translate(ctx context.Context, m *model.Model, c mask.Config, sources [][]int32, o Translation, done Decoded) ([][]Hypothesis, error) {
	t := NewTranslator(m, c, o)
	defer t.Free()
	return t.Translate(ctx, sources, done)
}

// newTranslator makes one that reads sources of s tokens and up to so many target tokens a pass.
func newTranslator(m *model.Model, c mask.Config, o Translation, s, tokens int) (*translator, error) {
	planner, err := mask.NewPlanner(c, 0, mask.Run{
		SeqLen:        m.Context,
		Steps:         1,
		Vocab:         m.Vocab,
		CausalEncoder: m.CausalEncoder,
	})
	if err != nil {
		return nil, err
	}
	pass, err := m.NewDecode(model.DecodeOptions{Sources: o.Batch, Beams: o.Beams, T: tokens, S: s, Second: planner.Tagged()}, nil)
	if err != nil {
		return nil, err
	}
	rows := batch.New(o.Batch, m.Context, s)
	for b := range o.Batch {
		rows.Document(b, make([]int32, m.Context))
	}
	return &translator{
		Translation: o,
		c:           c,
		pass:        pass,
		vocab:       m.Vocab,
		tok:         pass.NewTokens(),
		planner:     planner,
		rows:        rows,
	}, nil
}

// translator decodes batches of sources.
type translator struct {
	Translation
	c      mask.Config
	pass   *model.Decode
	vocab  int
	tok    *model.Tokens
	logits []float32
	first  int // the number of the first of the sources, for draws

	planner *mask.Planner
	rows    *batch.Batch // targets as long as the context
	plan    mask.Plan    // what they see
}

func (t *translator) free() { t.pass.Free() }

// beam is an unfinished target.
type beam struct {
	ids []int32
	sum float64 // log-probability
}

// search is one source's beams and finished targets.
type search struct {
	beams []beam
	ended []Hypothesis
}

func (t *translator) decode(ctx context.Context, sources [][]int32, lines []int, first int, out [][]Hypothesis) error {
	t.first = first
	t.readSources(sources, lines)
	searches := make([]search, len(lines))
	for i := range searches {
		searches[i].beams = []beam{{}}
	}
	limit := t.limit()
	parents := make([]int32, t.pass.Sources*t.Beams)
	for at := 0; at < limit && !finishedAll(searches, t.Beams); at++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		t.place(searches, at)
		var err error
		if t.logits, err = t.run(t.pass, t.tok); err != nil {
			return err
		}
		for b := range parents {
			parents[b] = int32(b)
		}
		for i := range searches {
			t.extend(&searches[i], i, lines[i], at, parents)
		}
		if t.Beams > 1 {
			t.pass.Reorder(parents, at+1)
		}
	}
	for i := range searches {
		out[lines[i]] = searches[i].best(t)
	}
	return nil
}

// run computes the logits of a pass's rows.
func (t *translator) run(pass *model.Decode, tok *model.Tokens) ([]float32, error) {
	logits, err := pass.Run(tok)
	if err != nil {
		return nil, err
	}
	return logits, checkFinite(logits)
}

// limit is the most tokens a target may have.
func (t *translator) limit() int {
	if t.MaxTokens > 0 {
		return min(t.pass.Context-1, t.MaxTokens)
	}
	return t.pass.Context - 1
}

func finishedAll(searches []search, beams int) bool {
	for _, s := range searches {
		if len(s.ended) < beams && len(s.beams) > 0 {
			return false
		}
	}
	return true
}

// readSources encodes a batch, and plans what targets see of it; rows without a source have one token, for nothing.
func (t *translator) readSources(sources [][]int32, lines []int) {
	s := &t.rows.Sources[0]
	for r := range t.pass.Sources {
		source := []int32{0}
		if r < len(lines) {
			source = sources[lines[r]]
		}
		s.Document(r, source)
	}
	t.planner.PlanStatic(&t.plan, t.rows, 0)
	t.pass.ReadSource(s.IDs, &t.plan.Sources[0].Self)
}

// place lays out the newest token of every beam.
func (t *translator) place(searches []search, at int) {
	clearTokens(t.tok)
	copy(t.tok.Cross.Pos, t.plan.Sources[0].Cross.Pos)
	for r := range t.tok.IDs {
		i, k := r/t.Beams, r%t.Beams
		id := t.End
		if at == 0 {
			id = t.Begin
		} else if i < len(searches) && k < len(searches[i].beams) {
			id = searches[i].beams[k].ids[at-1]
		}
		rowsOf{t.tok, &t.plan, r, i, 1}.visible(0, at, id)
		for p := range at {
			rowsOf{t.tok, &t.plan, r, i, 1}.show(p)
		}
	}
}

// candidate is a beam with one more token.
type candidate struct {
	parent int
	id     int32
	sum    float64
}

// extend gives the beams of source i their next tokens.
func (t *translator) extend(s *search, i, line, at int, parents []int32) {
	if len(s.ended) >= t.Beams || len(s.beams) == 0 {
		s.beams = nil
		return
	}
	kept := s.beams
	s.beams = nil
	for rank, c := range t.candidates(kept, i, line, at) {
		parent := kept[c.parent]
		if c.id == t.End {
			if rank < t.Beams {
				s.ended = append(s.ended, Hypothesis{parent.ids, t.penalised(c.sum, at+1)})
			}
			continue
		}
		if len(s.beams) == t.Beams {
			continue
		}
		parents[i*t.Beams+len(s.beams)] = int32(i*t.Beams + c.parent)
		s.beams = append(s.beams, beam{append(slices.Clone(parent.ids), c.id), c.sum})
	}
}

// candidates are the most probable continuations, twice as many as there are beams, or the one that was drawn.
func (t *translator) candidates(kept []beam, i, line, at int) []candidate {
	best := make([]candidate, 0, 2*t.Beams)
	for k, b := range kept {
		row := t.logits[(i*t.Beams+k)*t.vocab:][:t.vocab]
		top := float64(slices.Max(row))
		norm := top + math.Log(sumExp(row, float32(top), 1))
		if t.Beams == 1 {
			pick := sampler{Sampling: t.Sampling}
			id, _ := pick.pick(row, t.first+line, at, t.banned())
			return []candidate{{0, id, b.sum + float64(row[id]) - norm}}
		}
		for id, l := range row {
			if t.Begin == t.End || int32(id) != t.Begin {
				best = insert(best, candidate{k, int32(id), b.sum + float64(l) - norm})
			}
		}
	}
	return best
}

// insert puts c in its place among the best so far, as many as there is room for; of equal ones the first stays ahead.
func insert(best []candidate, c candidate) []candidate {
	n := len(best)
	if n == cap(best) {
		if !(c.sum > best[n-1].sum) {
			return best
		}
		n--
	}
	best = append(best[:n], c)
	for ; n > 0 && best[n-1].sum < c.sum; n-- {
		best[n], best[n-1] = best[n-1], c
	}
	return best
}

// banned never comes: a target begins once.
func (t *translator) banned() []int32 {
	if t.Begin == t.End {
		return nil
	}
	return []int32{t.Begin}
}

func (t *translator) penalised(sum float64, n int) float64 {
	return sum / math.Pow((5+float64(n))/6, t.LengthPenalty)
}

// best are the finished targets, and only where there is none the unfinished ones.
func (s *search) best(t *translator) []Hypothesis {
	h := s.ended
	if len(h) == 0 {
		for _, b := range s.beams {
			h = append(h, Hypothesis{b.ids, t.penalised(b.sum, len(b.ids))})
		}
	}
	slices.SortStableFunc(h, func(a, b Hypothesis) int { return cmp.Compare(b.Score, a.Score) })
	return h[:min(len(h), t.Beams)]
}
