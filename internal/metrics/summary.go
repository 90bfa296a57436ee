package metrics

import (
	"fmt"
	"time"
)

// Summary is the summary of a run that ends.
type Summary struct {
	Outcome  string // "finished", "stopped early: …", "interrupted"
	Dir      string // of the run
	Step     int
	Tokens   int64 // supervised
	ElapsedS float64
	First    *Eval    // at step 0; nil if this process did not see it
	Best     *Eval    // nil without evaluations
	BestOf   int      // evaluations that Best was chosen from
	Test     *Test    // nil without a test text, or before the run's end
	Next     []string // suggested commands
}

// Summary shows the end of a run.
func (c *Console) Summary(s Summary) {
	c.Break()
	if c.Quiet {
		return
	}
	c.line("")
	c.line(fmt.Sprintf("%s at step %d of %d: %s tokens in %s%s", s.Outcome, s.Step, c.Steps, Count(float64(s.Tokens)),
		Duration(time.Duration(s.ElapsedS*float64(time.Second))), rate(s)))
	if s.Best != nil {
		text := fmt.Sprintf("best validation loss %.4f at step %d (perplexity %s)", s.Best.ValidLoss, s.Best.Step,
			Count(float64(s.Best.Perplexity)))
		if s.First != nil && s.First.ValidLoss > 0 && s.First.Step != s.Best.Step {
			text += fmt.Sprintf(", %.0f%% of %.4f at step %d", 100*s.Best.ValidLoss/s.First.ValidLoss,
				s.First.ValidLoss, s.First.Step)
		}
		if s.Test == nil && s.BestOf > 1 {
			text += fmt.Sprintf("; it is the best of %d evaluations on this text", s.BestOf)
		}
		c.line(text)
	}
	if t := s.Test; t != nil {
		c.line(fmt.Sprintf("test loss %.4f of the model of step %d (perplexity %s), on text that chose nothing%s",
			t.TestLoss, t.Step,
			Count(float64(t.Perplexity)), looks(t.Looks)))
	}
	c.line("saved in " + s.Dir)
	if len(s.Next) > 0 {
		c.line("\nnext:")
	}
	for _, command := range s.Next {
		c.line("  " + command)
	}
}

// looks reports more than one evaluation on the test text.
func looks(n int) string {
	if n < 2 {
		return ""
	}
	return fmt.Sprintf("; the run has looked at it %d times", n)
}

func rate(s Summary) string {
	if s.ElapsedS <= 0 {
		return ""
	}
	return fmt.Sprintf(" (%s tokens/s)", Count(float64(s.Tokens)/s.ElapsedS))
}
