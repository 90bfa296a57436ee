package maskcheck

import "dmtrain/internal/mask"

// Report is what `dmtrain mask check` prints.
type Report struct {
	Sound     bool        `json:"sound"`
	Structure string      `json:"structure"`
	Form      string      `json:"form"`
	Control   string      `json:"control"`
	Cross     string      `json:"cross,omitempty"` // of models that read sources
	SeqLen    int         `json:"seq_len"`         // tokens a row
	Layers    int         `json:"layers"`
	Model     ProbeModel  `json:"model"`
	Plans     []PlanCheck `json:"plans"`
	Warnings  []string    `json:"warnings"`
}

// PlanCheck holds the three methods' verdicts on one plan.
type PlanCheck struct {
	Step       int     `json:"step"`
	Openness   float64 `json:"openness"` // two_pass: mean window of the slots over the largest
	FirstRow   int     `json:"first_row"`
	Rows       int     `json:"rows"`
	Anchors    int     `json:"anchors"` // rows under the static mask
	Hidden     int     `json:"hidden"`  // tokens
	Supervised int     `json:"supervised"`

	Certificate Verdict  `json:"certificate"` // stops at the first leak
	Closure     Verdict  `json:"closure"`
	Probe       Verdict  `json:"probe"`
	Probed      int      `json:"probed"`           // positions whose tokens the probe changed
	Source      *Verdict `json:"source,omitempty"` // probe of source tokens beyond an output's cross limit
}

// Verdict is the result of one method on one plan.
type Verdict struct {
	Sound bool       `json:"sound"`
	Leaks int        `json:"leaks"`
	First *mask.Leak `json:"first"` // by row, then position; nil without a leak
}

// Leak is the first leak that any method found; nil if the plan is sound.
func (p *PlanCheck) Leak() *mask.Leak {
	for _, v := range []Verdict{p.Certificate, p.Closure, p.Probe} {
		if v.First != nil {
			return v.First
		}
	}
	if p.Source != nil {
		return p.Source.First
	}
	return nil
}

func verdict(leaks []*mask.Leak) Verdict {
	v := Verdict{Sound: len(leaks) == 0, Leaks: len(leaks)}
	for _, l := range leaks {
		if v.First == nil || l.Row < v.First.Row || l.Row == v.First.Row && l.Position < v.First.Position {
			v.First = l
		}
	}
	return v
}
