package metrics

import (
	"errors"
	"io/fs"
	"slices"

	"dmtrain/internal/mask"
)

// MaskStep is a run's record of a step's masks.
type MaskStep struct {
	Step int `json:"step"` // from 1, as in Step
	mask.Record
}

// ReadMasks reads a log's records of masks, also while it is being written, and counts the steps in it. Steps without
// such a record had static masks. A missing log is empty.
func ReadMasks(path string) (masks []MaskStep, steps int, err error) {
	for r, err := range ReadFile(path) {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, 0, nil
		case err != nil:
			return nil, 0, err
		case r.Step == nil:
			continue
		case r.Step.Mask != nil:
			masks = append(masks, MaskStep{r.Step.Step, *r.Step.Mask})
		}
		steps++
	}
	return masks, steps, nil
}

// Curve is one quantity over steps, to be drawn.
type Curve struct {
	Name string
	Y    []float64 // by record
}

// Panel is curves that share an axis.
type Panel struct {
	Title    string
	Low, Top float64 // the smallest range of the axis
	Curves   []Curve
}

// still is each curve's value if all curves are constant.
func (p *Panel) still() (values []float64, ok bool) {
	for _, c := range p.Curves {
		for _, y := range c.Y {
			if y != c.Y[0] {
				return nil, false
			}
		}
		values = append(values, c.Y[0])
	}
	return values, true
}

// bounds is the range of a panel's axis: that of its curves, and at least Low … Top.
func (p *Panel) bounds() (low, top float64) {
	low, top = p.Low, p.Top
	for _, c := range p.Curves {
		low, top = min(low, slices.Min(c.Y)), max(top, slices.Max(c.Y))
	}
	return low, top
}

// MaskPanels are the panels of a history of masks, as means over buckets: openness, the reliability that moved it, how
// far slots could and did look ahead (if there are slots), and the share of hidden tokens.
func MaskPanels(masks []MaskStep) []Panel {
	curve := func(name string, of func(*MaskStep) float64) Curve {
		c := Curve{Name: name}
		for i := range masks {
			c.Y = append(c.Y, of(&masks[i]))
		}
		return c
	}
	panels := []Panel{{Title: "openness and reliability", Top: 1, Curves: []Curve{
		curve("openness u", func(m *MaskStep) float64 { return mean(m.Openness) }),
		curve("reliability R", func(m *MaskStep) float64 { return mean(m.Reliability) }),
	}}}
	if widest(masks) > 0 {
		panels = append(panels, Panel{
			Title: "window: how many tokens past itself a slot may see",
			Top:   1,
			Curves: []Curve{
				curve("largest W", func(m *MaskStep) float64 { return mean(floats(m.MaxWindow)) }),
				curve("mean of the slots", func(m *MaskStep) float64 { return m.MeanWindow }),
			},
		})
	}
	return append(panels, Panel{
		Title: "rate: how often a token is hidden, in rows that are no anchors",
		Curves: []Curve{
			curve("rate p", func(m *MaskStep) float64 { return mean(m.Rate) }),
		},
	})
}

// widest is the longest look-ahead of any slot; 0 without slots.
func widest(masks []MaskStep) (w float64) {
	for i := range masks {
		if masks[i].InfillTokens > 0 {
			w = max(w, mean(floats(masks[i].MaxWindow)))
		}
	}
	return w
}

func floats(v []int) []float64 {
	f := make([]float64, len(v))
	for i, n := range v {
		f[i] = float64(n)
	}
	return f
}
