package metrics

import (
	"fmt"
	"time"
)

// Summary is what a run says when it ends.
type Summary struct {
	Outcome  string // "finished", "stopped early: …", "interrupted"
	Dir      string // of the run
	Step     int
	Tokens   int64 // supervised
	ElapsedS float64
	First    *Eval    // at step 0; nil if this process did not see it
	Best     *Eval    // nil without evaluations
	Next     []string // commands to type next
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
		text := fmt.Sprintf("best validation loss %.4f at step %d (perplexity %s)", s.Best.ValidLoss, s.Best.Step, Count(float64(s.Best.Perplexity)))
		if s.First != nil && s.First.ValidLoss > 0 && s.First.Step != s.Best.Step {
			text += fmt.Sprintf(", %.0f%% of %.4f at step %d", 100*s.Best.ValidLoss/s.First.ValidLoss, s.First.ValidLoss, s.First.Step)
		}
		c.line(text)
	}
	c.line("saved in " + s.Dir)
	if len(s.Next) > 0 {
		c.line("\nnext:")
	}
	for _, command := range s.Next {
		c.line("  " + command)
	}
}

func rate(s Summary) string {
	if s.ElapsedS <= 0 {
		return ""
	}
	return fmt.Sprintf(" (%s tokens/s)", Count(float64(s.Tokens)/s.ElapsedS))
}
