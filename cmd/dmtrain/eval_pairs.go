package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"dmtrain/internal/data"
	"dmtrain/internal/metrics"
	"dmtrain/internal/train"
)

// evalPairs measures an encoder–decoder.
func (o *evalOptions) evalPairs(ctx context.Context, stdout, stderr io.Writer) (err error) {
	if len(o.data) > 0 || len(o.blanks) > 0 || o.perToken != "" {
		return usagef("--data, --blanks and --per-token are for language models; translate other sources by \"dmtrain translate\" and compare by \"dmtrain score\"")
	}
	t, err := train.LoadTranslator(o.Source)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	r, err := t.Evaluate(ctx, o.split)
	if err != nil {
		return err
	}
	m, warnings := r.Eval, r.Warnings
	info := t.Backend.Info()
	if info.NoGPU != "" {
		warnings = append(warnings, info.NoGPU)
	}
	loss := m.ValidLoss
	if o.json {
		if o.split == train.SplitTest {
			m.ValidLoss = metrics.Number(math.NaN())
		}
		return json.NewEncoder(stdout).Encode(struct {
			Checkpoint string   `json:"checkpoint"`
			Device     string   `json:"device"`
			Warnings   []string `json:"warnings"`
			metrics.Eval
			Loss    metrics.Number   `json:"loss"` // valid_loss again, or that of the test text
			Split   string           `json:"split"`
			Overlap data.PairOverlap `json:"overlap"`
			BestOf  int              `json:"best_of"`
		}{t.Dir, info.Device(), append([]string{}, warnings...), m, loss, o.split, r.Overlap, r.BestOf})
	}
	for _, w := range warnings {
		fmt.Fprintf(stderr, "dmtrain: warning: %s\n", w)
	}
	out := table{}
	out.add("checkpoint", "%s (step %d)", t.Dir, t.Step)
	out.add("device", "%s", info.Device())
	out.add("text", "%s", chosen(o.split, r.BestOf))
	out.add("loss", "%.4f nats/token", float64(loss))
	out.add("perplexity", "%.4g", float64(m.Perplexity))
	out.add("accuracy", "%.2f %% of tokens", 100*m.Accuracy)
	out.add("exact match", "%.2f %% of %d pairs", m.Pairs.Exact, m.Pairs.Pairs)
	out.add("BLEU", "%.2f", m.Pairs.BLEU)
	out.add("chrF2", "%.2f", m.Pairs.ChrF)
	out.add("ROUGE-1/2/L", "%.2f / %.2f / %.2f", m.Pairs.ROUGE1, m.Pairs.ROUGE2, m.Pairs.ROUGEL)
	return out.print(stdout)
}
