package bench

import (
	"fmt"
	"strconv"
	"strings"

	"dmtrain/internal/batch"
	"dmtrain/internal/mask"
	"dmtrain/internal/rng"
)

// Form is a mask that attention is timed under.
type Form struct {
	Name      string // as parsed
	structure string
	window    int     // structure window: its width
	packed    int     // the documents' mean length; 0 = one a row
	slots     float64 // how often a token is a slot that looks ahead
}

// Forms says what ParseForm reads.
const Forms = "causal, full or window:TOKENS, and with it, joined by +, packed:TOKENS (documents of that mean " +
	"length) and infill:RATE (so many slots that look ahead)"

// ParseForm reads "causal", "window:256", "packed:512", "window:256+infill:0.15" and the like.
func ParseForm(text string) (Form, error) {
	f := Form{Name: text, structure: mask.StructureCausal}
	for _, part := range strings.Split(text, "+") {
		if err := f.parse(part); err != nil {
			return f, err
		}
	}
	return f, nil
}

func (f *Form) parse(part string) (err error) {
	kind, number, numbered := strings.Cut(part, ":")
	switch kind {
	case "causal", "full":
		if f.structure = kind; numbered {
			return fmt.Errorf("%q: %s takes no number", part, kind)
		}
	case "window":
		f.structure = kind
		f.window, err = parseLength(part, number)
	case "packed":
		f.packed, err = parseLength(part, number)
	case "infill":
		if f.slots, err = strconv.ParseFloat(number, 64); err != nil || !(f.slots > 0 && f.slots <= 1) {
			return fmt.Errorf("%q: infill wants a rate of slots (above 0, up to 1)", part)
		}
	default:
		return fmt.Errorf("%q is no mask (%s)", part, Forms)
	}
	return err
}

func parseLength(part, number string) (int, error) {
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > maxLength {
		return 0, fmt.Errorf("%q wants a number of tokens (1 to %d)", part, maxLength)
	}
	return n, nil
}

// maxLength is the longest row: what counts its pairs has 64 bits.
const maxLength = 1 << 24

// plan lays the mask over b rows of t tokens, and counts what it lets be seen in tiles of tileQ by tileS.
func (f Form) plan(b, t, tileQ, tileS int) (*mask.Plan, *mask.Record, error) {
	c, run := mask.DefaultConfig(), mask.Run{
		SeqLen:  t,
		Steps:   1,
		Vocab:   2,
		Entropy: 1,
	}
	c.Structure, c.Window, c.Anchors = f.structure, f.window, 0
	switch {
	case f.slots > 0:
		c.Form, c.Prob = mask.FormInfill, f.slots
	// a model under it needs hidden tokens to learn from; here there is no model
	case f.structure == mask.StructureFull:
		c.Form, c.Prob = mask.FormInput, 0
	}
	planner, err := mask.NewPlanner(c, 1, run)
	if err != nil {
		return nil, nil, err
	}
	control, err := mask.NewController(c, run)
	if err != nil {
		return nil, nil, err
	}
	plan, seen, stats := &mask.Plan{}, &mask.Record{}, control.NewStats()
	planner.Plan(plan, f.rows(b, t), 0, mask.State{Buckets: []mask.Bucket{{Openness: 1}}})
	stats.Measure(plan, tileQ, tileS)
	control.Record(seen, stats)
	return plan, seen, nil
}

// rows are tokens that are all alike, in one document a row or, packed, in documents of half to one and a half times
// the mean length.
func (f Form) rows(b, t int) *batch.Batch {
	rows := batch.New(b, t)
	for row := range b {
		for start := 0; start < t; {
			end := t
			if f.packed > 0 {
				length := (f.packed+1)/2 + rng.Below(1, rng.Probe, 2, uint32(row), uint32(start), f.packed+1)
				end = min(t, start+length)
			}
			for i := start; i < end; i++ {
				n := row*t + i
				rows.Start[n], rows.End[n] = int32(start), int32(end)
				if i == end-1 {
					rows.Next[n] = -1
				}
			}
			start = end
		}
	}
	return rows
}
