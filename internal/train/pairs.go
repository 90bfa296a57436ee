package train

import (
	"context"
	"fmt"

	"dmtrain/internal/batch"
	"dmtrain/internal/config"
	"dmtrain/internal/data"
	"dmtrain/internal/files"
	"dmtrain/internal/generate"
	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/metrics"
	"dmtrain/internal/model"
	"dmtrain/internal/recipe"
	"dmtrain/internal/tokenizer"
)

// pairText is task seq2seq: batches of pairs of like length, a recorded pass for each shape.
type pairText struct {
	model  *model.Model
	pairs  *data.Pairs
	loader *data.PairLoader
	arena  *graph.Arena // of all passes: they run one after another
	micro  [][]*micro   // by bucket
}

// newPairStepper builds what a step needs, parameters freshly drawn.
func newPairStepper(be kernels.Backend, c config.Config, run mask.Run, pairs *data.Pairs) (*stepper, error) {
	s, err := newMasks(be, c, run)
	if err != nil {
		return nil, err
	}
	m, err := model.New(be, recipe.Model(c, run.Vocab), true)
	if err != nil {
		return nil, err
	}
	m.Init(c.Run.Seed)
	t := &pairText{model: m, pairs: pairs, arena: graph.NewArena(be), loader: data.NewPairLoader(pairs, c.Run.Seed, c.Data.Pairs.Buckets, c.Data.Pairs.BatchTokens)}
	for _, shape := range t.loader.Shapes() {
		if err := t.record(s, c, shape); err != nil {
			return nil, fmt.Errorf("data.pairs.batch_tokens: %d pairs of %d and %d tokens: %w (train.micro_batch makes passes smaller)", shape.Rows, shape.S, shape.T, err)
		}
	}
	s.text = t
	return s, s.optimise(c, m.Params)
}

// record makes the micro-batches of a shape.
func (t *pairText) record(s *stepper, c config.Config, shape data.PairShape) error {
	rows := shape.Rows
	if c.Train.MicroBatch > 0 {
		rows = min(rows, c.Train.MicroBatch)
	}
	shape.T = min(shape.T+s.planner.EndRoom(), c.Data.SeqLen)
	o := model.PassOptions{B: rows, S: shape.S, T: shape.T, Train: true, Hide: c.Mask.Form != mask.FormNone, HideSource: c.Mask.SourceProb > 0, Second: s.planner.Tagged(),
		Dropout: float32(c.Model.Dropout), EdgeDrop: float32(c.Mask.EdgeDrop), Smoothing: float32(c.Train.LabelSmoothing), Arena: t.arena}
	l, err := pairLane(t.model, o)
	if err != nil {
		return err
	}
	if c.Mask.Control == mask.ControlTwoPass {
		o.Train, o.Dropout, o.EdgeDrop, o.Smoothing = false, 0, 0, 0
		first, err := pairLane(t.model, o)
		if err != nil {
			return err
		}
		l.first = &firstPass{be: s.be, lane: first}
	}
	var all []*micro
	for first := 0; first < shape.Rows; first += rows {
		b := shape.Batch(rows)
		b.First = first
		all = append(all, &micro{rows: b, lane: l})
	}
	t.micro = append(t.micro, all)
	return nil
}

func pairLane(m *model.Model, o model.PassOptions) (*lane, error) {
	pass, err := m.NewPass(o)
	if err != nil {
		return nil, err
	}
	return &lane{pass: pass, stats: &pass.Stats, out: newOutputs(o.B * o.T), load: pass.Load}, nil
}

func (t *pairText) layOut(step int) ([]*micro, float64) {
	bucket, which := t.loader.Batch(step)
	for _, m := range t.micro[bucket] {
		t.pairs.Fill(m.rows, which[min(m.rows.First, len(which)):])
	}
	return t.micro[bucket], t.loader.Weight(which)
}

// pairCorpus is task seq2seq's.
type pairCorpus struct {
	set *data.PairSet
	*session
}

func (p pairCorpus) tokenizer() tokenizer.Tokenizer { return p.set.Tokenizer }
func (p pairCorpus) next(run string) string {
	return "dmtrain translate --run " + files.Quoted(run) + " < source.txt"
}
func (p pairCorpus) Close() error { return nil }
func (p pairCorpus) modelFile() any {
	return p.describe(p.step.text.(*pairText).model)
}

// openPairs opens the pairs of task seq2seq and builds what a step and an evaluation need.
func (s *session) openPairs(tok tokenizer.Tokenizer, yoke *mask.Yoke) error {
	c := s.Config
	set, err := data.OpenPairs(c.Data, tok)
	if err != nil {
		return err
	}
	s.corpus, s.texts = pairCorpus{set, s}, texts{Train: set.Train.Checksum(), Valid: set.Valid.Checksum()}
	s.text.PairOverlaps = set.Overlaps
	for _, w := range set.Warnings {
		s.Console.Warn("%s", w)
	}
	if s.step, err = newPairStepper(s.be, c, recipe.MaskRun(c, textOf(set.Tokenizer, set.UnigramEntropy), yoke), set.Train); err != nil {
		return err
	}
	t := s.step.text.(*pairText)
	s.step.hooks, s.step.tokenizer = s.Hooks, set.Tokenizer
	valid, err := newPairExam(s.be, t.model, t.arena, s.step.planner, c, set.Tokenizer, set.Valid)
	if err != nil {
		return err
	}
	valid.scored = s.Hooks.Scored
	exams := pairExams{pairExam: valid}
	if set.Test != nil {
		s.texts.Test = set.Test.Checksum()
		c.Train.EvalBatches = 0 // the test text is read whole
		exams.held, err = newPairExam(s.be, t.model, t.arena, s.step.planner, c, set.Tokenizer, set.Test)
	}
	s.exam = exams
	return err
}

// pairExams are task seq2seq's, on validation and test pairs.
type pairExams struct {
	*pairExam
	held *pairExam // nil without test pairs
}

func (e pairExams) tests() bool { return e.held != nil }

func (e pairExams) test(ctx context.Context, step int) (metrics.Eval, error) {
	m, _, err := e.held.look(ctx, step)
	return m, err
}

// pairExam measures a model on pairs: the loss under the static mask, and greedy decoding.
type pairExam struct {
	be      kernels.Backend
	model   *model.Model
	planner *mask.Planner
	config  config.Config
	tok     tokenizer.Tokenizer
	valid   *data.Pairs
	rows    *batch.Batch
	lane    *lane
	scored  func(*Batch) error // the hook of that name; nil without one
}

// evalPairs are read at once.
const evalPairs = 32

func newPairExam(be kernels.Backend, m *model.Model, arena *graph.Arena, p *mask.Planner, c config.Config, tok tokenizer.Tokenizer, valid *data.Pairs) (*pairExam, error) {
	all := data.NewPairLoader(valid, 0, 1, 1).Shapes()[0]
	l, err := pairLane(m, model.PassOptions{B: evalPairs, S: all.S, T: all.T, Second: p.Tagged(), Arena: arena})
	return &pairExam{be: be, model: m, planner: p, config: c, tok: tok, valid: valid, rows: all.Batch(evalPairs), lane: l}, err
}

// count is how many pairs an evaluation reads.
func (e *pairExam) count() int {
	if n := e.config.Train.EvalBatches; n > 0 {
		return min(n*evalPairs, e.valid.Len())
	}
	return e.valid.Len()
}

func (e *pairExam) look(ctx context.Context, step int) (metrics.Eval, float64, error) {
	score, err := e.loss(ctx, step)
	if err != nil {
		return metrics.Eval{}, 0, err
	}
	m := score.record(step)
	hyps, err := e.decode(ctx)
	if err != nil {
		return m, 0, err
	}
	var exact metrics.ExactMatch
	var bleu metrics.BLEU
	var chrf metrics.ChrF
	var rouge metrics.ROUGE
	for i, h := range hyps {
		ref := e.valid.Texts[i].Target
		exact.Add(h, ref)
		bleu.Add(h, ref)
		chrf.Add(h, ref)
		rouge.Add(h, ref)
	}
	m.Pairs = &metrics.Pairs{Exact: exact.Score(), BLEU: bleu.Score(), ChrF: chrf.Score(),
		ROUGE1: rouge.One().F1, ROUGE2: rouge.Two().F1, ROUGEL: rouge.Longest().F1, Pairs: len(hyps)}
	return m, score.Loss, nil
}

func (e *pairExam) loss(ctx context.Context, step int) (Score, error) {
	var sum tally
	m := &micro{rows: e.rows, lane: e.lane}
	for first := 0; first < e.count(); first += evalPairs {
		if err := ctx.Err(); err != nil {
			return Score{}, err
		}
		var which []int
		for i := first; i < min(first+evalPairs, e.count()); i++ {
			which = append(which, i)
		}
		e.rows.First = first
		e.valid.Fill(e.rows, which)
		e.planner.PlanStatic(&m.plan, m.rows, 0)
		m.load()
		e.lane.pass.Forward()
		if err := e.lane.out.download(e.be, e.lane.stats); err != nil {
			return Score{}, err
		}
		if e.scored != nil {
			b := m.batch(e.tok)
			b.Kind, b.Step = BatchValid, step
			if err := e.scored(b); err != nil {
				return Score{}, err
			}
		}
		out := &e.lane.out
		for n, target := range m.plan.Targets {
			if target >= 0 {
				sum.add(out.NLL[n], out.Conf[n], out.Argmax[n] == target)
			}
		}
	}
	return sum.score(), nil
}

// decode translates the validation sources greedily.
func (e *pairExam) decode(ctx context.Context) ([]string, error) {
	sources := make([][]int32, e.count())
	for i := range sources {
		sources[i] = e.valid.Source(i)
	}
	special := e.tok.Specials()
	longest := e.rows.T
	found, _, err := generate.Translate(ctx, e.model, e.config.Mask, sources, generate.Translation{
		Options: generate.Options{
			MaxTokens: longest + longest/4,
			Sampling:  generate.Sampling{TopP: 1},
			End:       special.End,
		},
		Beams: 1,
		Batch: evalPairs,
		Begin: special.Begin,
	})
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(found))
	for i, h := range found {
		texts[i] = string(e.tok.Decode(nil, h[0].IDs))
	}
	return texts, nil
}
