package train

import (
	"fmt"

	"dmtrain/internal/batch"
	"dmtrain/internal/config"
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/model"
)

// rowText is task lm: rows of one length, cut into micro-batches of one size.
type rowText struct {
	model *model.Model
	pass  *model.Pass
	fill  func(rows *batch.Batch, step int) // lays out the text of a micro-batch
	micro []*micro
}

func newRowText(be kernels.Backend, c config.Config, m *model.Model, tagged bool, fill func(*batch.Batch, int)) (*rowText, error) {
	t, rows := &rowText{model: m, fill: fill}, c.Train.Pass()
	o := model.PassOptions{B: rows, T: c.Data.SeqLen, Train: true, Hide: c.Mask.Form != mask.FormNone, Second: tagged,
		Dropout: float32(c.Model.Dropout), EdgeDrop: float32(c.Mask.EdgeDrop)}
	l, pass, err := rowLane(m, o)
	if err != nil {
		return nil, fmt.Errorf("train.batch_size: %d rows a pass: %w (train.micro_batch makes passes smaller)", rows, err)
	}
	t.pass = pass
	if c.Mask.Control == mask.ControlTwoPass {
		if l.first, err = newFirstPass(be, m, o); err != nil {
			return nil, err
		}
	}
	return t, t.layRows(c, l)
}

// What a step keeps on the host of its text and masks: mask.Rows has four integers a token, mask.Plan up to eleven and a draw.
const (
	tokenBytes = 15*4 + 1
	microBytes = 1024 // and a micro-batch as such, roughly
)

// layRows makes room for the text and the masks of all micro-batches: a step plans them before it computes any.
func (t *rowText) layRows(c config.Config, l *lane) error {
	rows, all := c.Train.Pass(), c.Train.BatchSize
	need := uint64(all)*uint64(c.Data.SeqLen)*tokenBytes + uint64(all/rows)*microBytes
	if free, known := hostMemory(); known && need > free {
		return fmt.Errorf("train.batch_size: the text and masks of %d rows of %d tokens need %d MiB, and %d MiB are free", all, c.Data.SeqLen, need>>20, free>>20)
	}
	for first := 0; first < all; first += rows {
		m := &micro{rows: batch.New(rows, c.Data.SeqLen), lane: l}
		m.rows.First = first
		t.micro = append(t.micro, m)
	}
	return nil
}

func newFirstPass(be kernels.Backend, m *model.Model, o model.PassOptions) (*firstPass, error) {
	o.Train, o.Dropout, o.EdgeDrop = false, 0, 0
	l, _, err := rowLane(m, o)
	if err != nil {
		return nil, err
	}
	return &firstPass{be: be, lane: l}, nil
}

func rowLane(m *model.Model, o model.PassOptions) (*lane, *model.Pass, error) {
	pass, err := m.NewPass(o)
	if err != nil {
		return nil, nil, err
	}
	return &lane{pass: pass, stats: &pass.Stats, out: newOutputs(o.B * o.T), load: pass.Load}, pass, nil
}

func (t *rowText) layOut(step int) ([]*micro, float64) {
	for _, m := range t.micro {
		t.fill(m.rows, step)
	}
	return t.micro, 1
}
