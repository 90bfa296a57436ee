package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"dmtrain/internal/metrics"
	"dmtrain/internal/textio"
)

func scoreCommand() *cobra.Command {
	var hyp, ref string
	cmd := &cobra.Command{
		Use:     "score --hyp FILE --ref FILE",
		Short:   "Compare translations or summaries with references, line by line",
		Long:    "score prints BLEU and chrF2 as sacreBLEU has them, ROUGE-1, -2 and -L (F1), and exact match.",
		Example: "  dmtrain score --hyp test.out --ref test.de",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return score(cmd.Context(), hyp, ref, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&hyp, "hyp", "", "the `file` to judge")
	cmd.Flags().StringVar(&ref, "ref", "", "the `file` of references")
	must(cmd.MarkFlagRequired("hyp"))
	must(cmd.MarkFlagRequired("ref"))
	return cmd
}

// scoreProgress is how often a long comparison tells how far it is.
const scoreProgress = 2 * time.Second

func score(ctx context.Context, hyp, ref string, w, stderr io.Writer) error {
	hyps, err := fileLines(hyp, stderr)
	if err != nil {
		return err
	}
	refs, err := fileLines(ref, stderr)
	if err != nil {
		return err
	}
	if len(hyps) != len(refs) {
		return fmt.Errorf("%s has %d lines and %s has %d: they must pair up line by line", hyp, len(hyps), ref,
			len(refs))
	}
	if len(refs) == 0 {
		return fmt.Errorf("%s and %s are empty: there is nothing to score", hyp, ref)
	}
	var bleu metrics.BLEU
	var chrf metrics.ChrF
	var rouge metrics.ROUGE
	var exact metrics.ExactMatch
	var done atomic.Int64
	progress, stop := context.WithCancel(ctx)
	defer stop()
	go func() { // a single line may take long, too
		for tick := time.Tick(scoreProgress); ; {
			select {
			case <-progress.Done():
				return
			case <-tick:
				fmt.Fprintf(stderr, "compared %d of %d lines\n", done.Load(), len(hyps))
			}
		}
	}()
	for i, h := range hyps {
		if err := ctx.Err(); err != nil {
			return err
		}
		done.Store(int64(i))
		bleu.Add(h, refs[i])
		chrf.Add(h, refs[i])
		rouge.Add(h, refs[i])
		exact.Add(h, refs[i])
	}
	_, err = fmt.Fprintf(w, "%s\n%s\nROUGE-1/2/L F1 = %.2f/%.2f/%.2f\nexact match = %.2f\n", bleu.String(),
		chrf.String(),
		rouge.One().F1, rouge.Two().F1, rouge.Longest().F1, exact.Score())
	return err
}

func fileLines(path string, stderr io.Writer) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines, remarks, err := textio.AllLines(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	warnOf(stderr, path, remarks)
	return lines, nil
}
