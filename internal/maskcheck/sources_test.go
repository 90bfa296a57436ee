package maskcheck

import (
	"context"
	"testing"

	"dmtrain/internal/mask"
	"dmtrain/internal/task/fixture"
	"dmtrain/internal/task/tasks"
)

// All methods find every form and control sound for pairs, except look-ahead; under wait_k, an encoder that sees the
// whole source is a leak.
func TestCheckMasksOfPairs(t *testing.T) {
	type kind struct{ form, control, structure, cross string }
	for _, k := range []kind{
		{mask.FormNone, mask.ControlFixed, mask.StructureCausal, mask.CrossFull},
		{mask.FormInput, mask.ControlLinear, mask.StructureWindow, mask.CrossWaitK},
		{mask.FormInfill, mask.ControlAdaptive, mask.StructureCausal, mask.CrossWaitK},
		{mask.FormInfill, mask.ControlTwoPass, mask.StructureCausal, mask.CrossFull},
		{mask.FormNone, mask.ControlFixed, mask.StructureLookahead, mask.CrossFull},
		{mask.FormNone, mask.ControlFixed, mask.StructureCausal, "in vain"},
	} {
		t.Run(k.form+" "+k.control+" "+k.structure+" "+k.cross, func(t *testing.T) {
			c := fixture.Pairs()
			c.Mask.Form, c.Mask.Control, c.Mask.Structure, c.Mask.Window = k.form, k.control, k.structure, 3
			if k.control == mask.ControlTwoPass {
				c.Mask.Reliability = mask.ReliabilityConfidence
			}
			c.Mask.Cross, c.Model.CausalEncoder = k.cross, true
			vain := k.cross == "in vain"
			if vain {
				c.Mask.Cross, c.Model.CausalEncoder = mask.CrossWaitK, false // which a configuration is refused for
			}
			r, err := Check(context.Background(), c, tasks.All(), Options{Rows: 3})
			if err != nil {
				t.Fatal(err)
			}
			leaks := k.structure == mask.StructureLookahead
			if r.Sound == (leaks || vain) || len(r.Plans) < checkSteps {
				t.Errorf("sound: %v, by %d plans", r.Sound, len(r.Plans))
			}
			for _, p := range r.Plans {
				if leaks && p.Certificate.Sound {
					t.Errorf("step %d: certified", p.Step)
				}
				if vain != (p.Certificate.First != nil && p.Certificate.First.By == mask.ByEncoder) {
					t.Errorf("step %d: the certificate says %+v", p.Step, p.Certificate)
				}
				for _, v := range []Verdict{p.Closure, p.Probe} {
					if v.Sound == leaks {
						t.Errorf("step %d, openness %v: %+v", p.Step, p.Openness, v)
					}
				}
				if p.Source == nil || p.Source.Sound == vain {
					t.Errorf("step %d: %+v of the source", p.Step, p.Source)
				}
			}
		})
	}
}
