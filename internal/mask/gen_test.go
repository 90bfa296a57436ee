package mask

import (
	"pgregory.net/rapid"

	"dmtrain/internal/batch"
)

const genVocab = 50

// genRows draws packed rows: documents of random lengths, the last of which may go on beyond the row, and padding.
func genRows(t *rapid.T, maxRows, maxLen int) *batch.Batch {
	rows := batch.New(rapid.IntRange(1, maxRows).Draw(t, "rows"), rapid.IntRange(1, maxLen).Draw(t, "length"))
	rows.First = rapid.IntRange(0, 40).Draw(t, "first row")
	for b := range rows.B {
		genRow(t, rows, b)
	}
	return rows
}

func genRow(t *rapid.T, rows *batch.Batch, b int) {
	from := b * rows.T
	for i := range rows.T {
		n := from + i
		rows.IDs[n], rows.Next[n], rows.Start[n], rows.End[n] = 0, -1, -1, -1
	}
	text := rows.T - rapid.IntRange(0, rows.T-1).Draw(t, "padding")*rapid.IntRange(0, 1).Draw(t, "padded")
	for start := 0; start < text; {
		end := min(text, start+rapid.IntRange(1, rows.T).Draw(t, "document"))
		for i := start; i < end; i++ {
			rows.IDs[from+i] = int32(rapid.IntRange(0, genVocab-1).Draw(t, "token"))
			rows.Start[from+i], rows.End[from+i] = int32(start), int32(end)
			if i > start {
				rows.Next[from+i-1] = rows.IDs[from+i]
			}
		}
		if end == rows.T && rapid.Bool().Draw(t, "goes on") {
			rows.Next[from+end-1] = 7
		}
		start = end
	}
}

var soundStructures = []string{StructureCausal, StructureFull, StructurePrefix, StructureWindow, StructureBlocks,
	StructureSinks}

// genConfig draws a valid configuration, sound in structure.
func genConfig(t *rapid.T) Config {
	c := DefaultConfig()
	c.Structure = rapid.SampledFrom(soundStructures).Draw(t, "structure")
	c.Window = rapid.IntRange(1, 12).Draw(t, "window")
	c.Sinks = rapid.IntRange(1, 5).Draw(t, "sinks")
	forms := []string{FormNone, FormInput, FormInfill}
	if c.Structure == StructureFull {
		forms = forms[1:]
	}
	c.Form = rapid.SampledFrom(forms).Draw(t, "form")
	c.Prob = rapid.SampledFrom([]float64{0, 0.15, 0.5, 0.9, 1}).Draw(t, "prob")
	c.MaxWindow = rapid.IntRange(0, 20).Draw(t, "max_window")
	c.Anchors = rapid.SampledFrom([]int{2, 3, 4}).Draw(t, "anchors")
	c.Buckets = rapid.IntRange(1, 4).Draw(t, "buckets")
	if c.Form != FormNone {
		c.Control = rapid.SampledFrom([]string{ControlFixed, ControlLinear, ControlAdaptive, ControlInverse}).Draw(t,
			"control")
	}
	c.Openness = rapid.Float64Range(0, 1).Draw(t, "openness")
	return c
}

// genPlanner draws a planner and a state it may be given.
func genPlanner(t *rapid.T, c Config, seqLen int) (*Planner, State) {
	p, err := NewPlanner(c, rapid.Uint64().Draw(t, "seed"), Run{
		SeqLen:  seqLen,
		Steps:   100,
		Vocab:   genVocab,
		Entropy: 3,
	})
	if err != nil {
		t.Fatal(err)
	}
	s := State{Buckets: make([]Bucket, c.Buckets)}
	for i := range s.Buckets {
		s.Buckets[i].Openness = rapid.Float64Range(0, 1).Draw(t, "u")
	}
	return p, s
}
