package train

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"dmtrain/internal/batch"
	"dmtrain/internal/config"
	"dmtrain/internal/data"
	"dmtrain/internal/mask"
	"dmtrain/internal/task"
	"dmtrain/internal/task/fixture"
)

// Random documents: letters uniform over sixteen, each followed by the End with a constant probability. The least
// loss is known exactly, and no model beats it without a leak.
const (
	letters  = fixture.Letters
	stopping = fixture.Stopping
)

// leakCase trains a small model on random documents, and measures it on others under the masks of training.
type leakCase struct {
	structure, form, control string
	prob                     float64
}

func (l leakCase) config(t *testing.T) config.Config {
	c := config.Default()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"train": fixture.Documents(1, 40000),
		"valid": fixture.Documents(2, 4000),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c.Data.Train, c.Data.Valid = []string{filepath.Join(dir, "train")}, []string{filepath.Join(dir, "valid")}
	c.Data.SeqLen, c.Data.DocumentSeparator = 64, "|"
	c.Data.Tokenizer.Kind = "char"
	c.Model = config.Model{Layers: 2, Heads: 4, Dim: 64}
	c.Train.Steps, c.Train.BatchSize, c.Train.LR, c.Train.MinLR, c.Train.Warmup = 1500, 16, 2e-3, 2e-4, 100
	c.Mask.Structure, c.Mask.Window, c.Mask.Form, c.Mask.Control = l.structure, 8, l.form, l.control
	c.Mask.Prob, c.Mask.MaxWindow, c.Mask.Warmup = l.prob, 16, 100
	if l.control == mask.ControlTwoPass {
		c.Mask.Reliability = mask.ReliabilityConfidence
		c.Mask.Low, c.Mask.High = 0.02, 0.06
	}
	return c
}

// Under no mask is the loss on random documents below the least possible: here under masks that once leaked, by
// hidden ends of documents or by a first pass over hidden tokens. (The canary's matrix tests the other structures
// and forms.) D is the loss above the least possible, in nats.
func TestRandomDocumentsTellNothing(t *testing.T) {
	if os.Getenv("DMTRAIN_LONG") == "" {
		t.Skip("trains for minutes; DMTRAIN_LONG=1 runs it")
	}
	for _, l := range []leakCase{
		{"causal", "infill", "fixed", 0.15},
		{"causal", "infill", "two_pass", 0.15},
		{"window", "infill", "fixed", 0.15},
	} {
		t.Run(fmt.Sprint(l), func(t *testing.T) {
			c := l.config(t)
			s, text := opened(t, openCPU(t, 0), c)
			set, err := data.Open(c.Data, data.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer set.Close()
			for step := range c.Train.Steps {
				if _, err := s.step(step); err != nil {
					t.Fatal(err)
				}
			}
			s.rows = validRows{s.rows, data.NewLoader(set.Valid, 7)}
			var slots, next gap
			for step := c.Train.Steps; step < c.Train.Steps+200; step++ {
				measureGap(t, s, step, text.Facts().End, &slots, &next)
			}
			for _, g := range []struct {
				name string
				*gap
			}{{"slots", &slots}, {"next tokens", &next}} {
				if g.rows == 0 {
					continue
				}
				mean, se := g.mean()
				t.Logf("%s: D %+.4f ± %.4f", g.name, mean, se)
				if mean < -4*se {
					t.Errorf("%s: the model knows %.4f ± %.4f nats more than what it sees tells", g.name, -mean, se)
				}
			}
		})
	}
}

// gap is the mean loss above the least possible, with its standard error by rows.
type gap struct {
	rows, tokens, sum, sumSquares, cross, tokensSquares float64
}

func (g *gap) add(sum, tokens float64) {
	if tokens == 0 {
		return
	}
	g.rows++
	g.tokens += tokens
	g.sum += sum
	g.sumSquares += sum * sum
	g.cross += sum * tokens
	g.tokensSquares += tokens * tokens
}

func (g *gap) mean() (mean, se float64) {
	mean = g.sum / g.tokens
	v := g.sumSquares - 2*mean*g.cross + mean*mean*g.tokensSquares
	return mean, math.Sqrt(v) / g.tokens
}

// validRows are like those of training, but of other text.
type validRows struct {
	task.Rows
	loader *data.Loader
}

func (v validRows) Fill(b *batch.Batch, step int) { v.loader.Fill(b, step) }

// measureGap evaluates a step's rows without training on them.
func measureGap(t *testing.T, s *stepper, step int, end int32, slots, next *gap) {
	t.Helper()
	if err := s.plan(step, &result{}); err != nil {
		t.Fatal(err)
	}
	for _, m := range s.micro {
		m.load()
		m.pass.Supervised(1)
		m.pass.At(s.seed, step, m.rows.First)
		m.pass.Forward()
		out, err := m.pass.Outputs()
		if err != nil {
			t.Fatal(err)
		}
		p := &m.plan
		for b := range p.B {
			var sums, counts [2]float64
			for i := range p.T {
				n := b*p.T + i
				if p.Targets[n] < 0 || p.Answer[n] < 0 {
					continue
				}
				class := 0
				if !p.Slot(b, i) {
					class = 1
				}
				sums[class] += float64(out.NLL[n]) - leastLoss(p, m.rows, b, i, end)
				counts[class]++
			}
			slots.add(sums[0], counts[0])
			next.add(sums[1], counts[1])
		}
	}
}

// leastLoss is −ln of the probability of the answer of position i of row b, given all that it sees and all before it.
func leastLoss(p *mask.Plan, rows *batch.Batch, b, i int, end int32) float64 {
	at, start := int(p.Answer[b*p.T+i]), int(rows.Start[b*p.T+i])
	hi := p.Mask.Hi[b*p.T+i]
	slotted := func(j int) bool { return p.Hidden[b*p.T+j] != 0 && p.Mask.Pos[b*p.T+j] == mask.Inf }
	ahead := -1 // the first token past the answer that i sees
	for j := at + 1; j < int(rows.End[b*p.T+i]) && ahead < 0; j++ {
		if pos := p.Mask.Pos[b*p.T+j]; pos <= hi && !slotted(j) {
			ahead = j
		}
	}
	if p.Hidden[b*p.T+at] != 0 && !slotted(at) {
		// Form input hides letters only. Who sees past the answer knows that it is hidden; who doesn't, does not.
		if p.Mask.Pos[b*p.T+at] <= hi {
			return math.Log(letters)
		}
	}
	before := at - 1 // the last token before the answer that is not hidden; i itself unless it is a slot or sees ahead
	if at == i || ahead >= 0 {
		for before > start && slotted(before) {
			before--
		}
	}
	fresh := before == start && rows.IDs[b*p.T+start] == end // a document's Begin, after which a letter comes
	// the probability that the End is m places past the first unknown one
	stop := func(m int) float64 {
		if fresh {
			m--
		}
		if m < 0 {
			return 0
		}
		return math.Pow(1-stopping, float64(m)) * stopping
	}
	ended, all := 0.0, 1.0
	for m := 0; m <= at-before-1; m++ {
		ended += stop(m)
	}
	if ahead >= 0 {
		if rows.Next[b*p.T+ahead] >= 0 || rows.IDs[b*p.T+ahead] != end {
			ended = 0
		} else {
			all = 0
			for m := 0; m <= ahead-before-1; m++ {
				all += stop(m)
			}
		}
	}
	ended /= all
	if p.Targets[b*p.T+i] == end {
		return -math.Log(ended)
	}
	return -math.Log((1 - ended) / letters)
}
