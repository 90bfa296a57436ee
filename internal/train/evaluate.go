package train

import (
	"math"

	"dmtrain/internal/batch"
	"dmtrain/internal/data"
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/metrics"
	"dmtrain/internal/model"
)

// evaluator measures a model on a corpus: always under the static mask, so that runs can be compared, and on blanks where
// the model was trained to fill them.
type evaluator struct {
	be      kernels.Backend
	planner *mask.Planner
	static  *model.Pass
	infill  *model.Pass // nil until asked for
	model   *model.Model
	rows    *batch.Batch
	plan    mask.Plan
	out     outputs
	stop    func() error // asked between batches; its error ends the evaluation
}

// Score is what an evaluation says of the tokens it read.
type Score struct {
	Loss     float64 // nats per token; NaN without tokens: structure full shows every one of them
	Accuracy float64 // share of tokens whose most probable prediction was right
	Tokens   int
	ECE      float64 // expected calibration error of confidence, 15 bins (Guo et al. 2017)

	BitsPerByte float64 // 0 where only a part of the text was read
}

// evalTokens is about how many tokens an evaluation reads at once.
const evalTokens = 4096

func newEvaluator(be kernels.Backend, m *model.Model, p *mask.Planner, t int) (*evaluator, error) {
	rows := max(1, evalTokens/t)
	pass, err := m.NewPass(model.PassOptions{B: rows, T: t, Second: p.Tagged()})
	if err != nil {
		return nil, err
	}
	return &evaluator{be: be, planner: p, model: m, static: pass, rows: batch.New(rows, t), out: newOutputs(rows * t),
		stop: func() error { return nil }}, nil
}

// TokenFunc receives every supervised token of an evaluation, in order.
type TokenFunc func(Token) error

// Token is one prediction: the token at a position of the corpus and what the model thought of it.
type Token struct {
	Position   int              `json:"position"`
	Token      int32            `json:"token"`
	NLL        metrics.Number32 `json:"nll"`
	Confidence metrics.Number32 `json:"confidence"`
	Entropy    metrics.Number32 `json:"entropy"`
}

// run scores the corpus under the static mask, or only its first batches if that is not 0. Each may be nil.
func (e *evaluator) run(c *data.Corpus, batches int, each func(*Batch) error) (Score, error) {
	var sum tally
	err := e.batches(c, batches, func(batch int) error {
		e.planner.PlanStatic(&e.plan, e.rows, 0)
		return e.forward(e.static, &sum, each)
	})
	s := sum.score()
	if batches == 0 && sum.tokens == c.Targets() && c.Bytes() > 0 {
		s.BitsPerByte = metrics.BitsPerByte(sum.nll, int64(c.Bytes()))
	}
	return s, err
}

// blanks scores tokens hidden at the given rate, from both sides. Each may be nil.
func (e *evaluator) blanks(c *data.Corpus, batches int, rate float64, each func(*Batch) error) (Score, error) {
	if e.infill == nil {
		o := e.static.PassOptions
		o.Hide = true
		pass, err := e.model.NewPass(o)
		if err != nil {
			return Score{}, err
		}
		e.infill = pass
	}
	var sum tally
	err := e.batches(c, batches, func(batch int) error {
		e.planner.PlanInfill(&e.plan, e.rows, 0, rate) // rows are numbered through the corpus: draws differ without a batch number
		e.infill.At(e.planner.Seed(), e.plan.Step, e.rows.First)
		return e.forward(e.infill, &sum, each)
	})
	return sum.score(), err
}

// batches lays out the corpus batch by batch.
func (e *evaluator) batches(c *data.Corpus, limit int, each func(batch int) error) error {
	windows := c.Windows(e.rows.T)
	for batch := 0; batch*e.rows.B < windows && (limit == 0 || batch < limit); batch++ {
		if err := e.stop(); err != nil {
			return err
		}
		e.rows.First = batch * e.rows.B
		c.Window(e.rows)
		if err := each(batch); err != nil {
			return err
		}
	}
	return nil
}

func (e *evaluator) forward(p *model.Pass, sum *tally, each func(*Batch) error) error {
	p.Load(e.rows, &e.plan)
	p.Forward()
	if err := e.out.download(e.be, &p.Stats); err != nil {
		return err
	}
	for n, target := range e.plan.Targets {
		if target < 0 {
			continue
		}
		sum.add(e.out.NLL[n], e.out.Conf[n], e.out.Argmax[n] == target)
	}
	if each == nil {
		return nil
	}
	return each(&Batch{Rows: e.rows, Plan: &e.plan, Out: e.out.Outputs})
}

// free gives the passes' memory back.
func (e *evaluator) free() {
	e.static.Free()
	if e.infill != nil {
		e.infill.Free()
	}
}

// calibrationBins is how finely confidence is compared with accuracy.
const calibrationBins = 15

// tally sums what was said of tokens.
type tally struct {
	tokens, right int
	nll           float64
	undefined     int // tokens with a confidence that is not a number
	bins          [calibrationBins]struct {
		conf  float64
		right int
	}
}

func (t *tally) add(nll, conf float32, right bool) {
	t.tokens++
	t.nll += float64(nll)
	if right {
		t.right++
	}
	bin := int(conf * calibrationBins)
	if !(conf >= 0) || bin < 0 { // a model that has diverged is confident of NaN: wrong by as much as one can be
		t.undefined++
		return
	}
	b := &t.bins[min(bin, calibrationBins-1)]
	b.conf += float64(conf)
	if right {
		b.right++
	}
}

func (t *tally) score() Score {
	if t.tokens == 0 {
		return Score{Loss: math.NaN()}
	}
	n := float64(t.tokens)
	s := Score{Loss: t.nll / n, Accuracy: float64(t.right) / n, Tokens: t.tokens, ECE: float64(t.undefined) / n}
	for _, b := range t.bins {
		s.ECE += math.Abs(float64(b.right)-b.conf) / n
	}
	return s
}
