package lm

import (
	"context"

	"dmtrain/internal/batch"
	"dmtrain/internal/config"
	"dmtrain/internal/data"
	"dmtrain/internal/metrics"
	"dmtrain/internal/model"
	"dmtrain/internal/task"
	"dmtrain/internal/tokenizer"
)

// Open reads the text. One that an earlier program split when it had tokens is split so again to evaluate, and
// refused to train on.
func (Task) Open(c config.Config, o task.Options) (*task.Text, error) {
	old := o.Was != nil && splitTokens(c.Data, *o.Was)
	reason := ""
	if old {
		var err error
		if reason, err = oldSplit(c.Data, o.Tokenizer, o.Was.Train); err != nil {
			return nil, err
		}
		if reason != "" && !o.Evaluating {
			return nil, &task.OutdatedError{Reason: reason}
		}
	}
	set, err := data.Open(c.Data, data.Options{
		Tokenizer:   o.Tokenizer,
		AfterTokens: old && o.Evaluating,
		Evaluating:  o.Evaluating,
	})
	if err != nil {
		return nil, err
	}
	t := &task.Text{
		Tokenizer: set.Tokenizer,
		Entropy:   set.UnigramEntropy,
		Train:     newRows(set.Train, c),
		Valid:     newWindows(set.Valid, c.Data.SeqLen, &set.Overlaps[0]),
		Identity:  task.Identity{Train: set.Train.Checksum(), Valid: set.Valid.Checksum(), Cut: set.Cut()},
		Warnings:  set.Warnings,
		Overlaps:  metrics.Data{Overlaps: set.Overlaps},
		Close:     set.Close,
	}
	if set.Test != nil {
		t.Test = newWindows(set.Test, c.Data.SeqLen, &set.Overlaps[len(set.Overlaps)-1])
		t.Identity.Test = set.Test.Checksum()
	}
	if reason != "" {
		t.Warnings = append(t.Warnings, "the program that trained this model "+reason)
	}
	return t, nil
}

// OpenData reads other text.
func (Task) OpenData(c config.Config, names []string, tok tokenizer.Tokenizer) (*task.Text, error) {
	corpus, warnings, err := data.OpenCorpus("--data", names, c.Data.DocumentSeparator,
		data.Options{Tokenizer: tok, Evaluating: true})
	if err != nil {
		return nil, err
	}
	return &task.Text{
		Tokenizer: tok,
		Valid:     newWindows(corpus, c.Data.SeqLen, nil),
		Warnings:  warnings,
		Close:     corpus.Close,
	}, nil
}

// even are steps of one shape, which weigh alike.
type even struct{ shape task.Shape }

func evenOf(c config.Config) even { return even{task.Shape{Rows: c.Train.BatchSize, T: c.Data.SeqLen}} }

func (e even) Shapes() []task.Shape           { return []task.Shape{e.shape} }
func (e even) StepTokens() float64            { return float64(e.shape.Rows * e.shape.T) }
func (e even) Layout(int) (int, int, float64) { return 0, e.shape.Rows, 1 }

// rows are windows that begin anywhere in the text.
type rows struct {
	even
	corpus *data.Corpus
	loader *data.Loader
}

func newRows(corpus *data.Corpus, c config.Config) rows {
	return rows{evenOf(c), corpus, data.NewLoader(corpus, c.Run.Seed)}
}

func (r rows) Tokens() int                   { return r.corpus.Len() }
func (r rows) Fill(b *batch.Batch, step int) { r.loader.Fill(b, step) }

// windows are consecutive windows, which hold each target once.
type windows struct {
	*data.Corpus
	t       int
	overlap *data.Overlap
}

func newWindows(c *data.Corpus, t int, overlap *data.Overlap) windows { return windows{c, t, overlap} }

// evalTokens is about how many tokens an evaluation reads at once, of a text that has so many.
const evalTokens = 4096

func (w windows) Shape() task.Shape {
	return task.Shape{Rows: max(1, min(w.Len(), evalTokens/w.t)), T: w.t}
}

func (w windows) Len() int                         { return w.Windows(w.t) }
func (w windows) Fill(b *batch.Batch)              { w.Window(b) }
func (w windows) Locate(row, t int) (pair, at int) { return -1, row*w.t + t + 1 }

func (w windows) Overlap() any {
	if w.overlap == nil {
		return nil
	}
	return w.overlap
}

// Quality is nil: the loss says it all.
func (windows) Quality(context.Context, *model.Model, config.Config, int) (*metrics.Pairs, error) {
	return nil, nil
}
