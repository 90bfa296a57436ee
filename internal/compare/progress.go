package compare

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"dmtrain/internal/metrics"
)

// progress prints the progress of a comparison line by line. Methods may be called concurrently.
type progress struct {
	mu     sync.Mutex
	out    io.Writer
	warned []string // warnings about the text, which every run would repeat
	runs   int
	jobs   int
	done   int // finished runs
	mine   int // of these, trained by this process
	since  time.Time
}

func newProgress(out io.Writer, runs, jobs int, warnings []string) *progress {
	return &progress{
		out:    out,
		runs:   runs,
		jobs:   jobs,
		warned: warnings,
		since:  time.Now(),
	}
}

func (p *progress) say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.out, format+"\n", args...)
}

func (p *progress) begin(c *comparison) {
	for _, w := range p.warned {
		p.say("warning: %s", w)
	}
	p.say("%d arms, %d seeds: %d runs of %s tokens, which is %.1f passes over the text of %s; in %s", len(c.Arms),
		c.Seeds, len(c.runs),
		metrics.Count(float64(c.setup.tokens())), c.setup.passes(), metrics.Count(float64(c.setup.TrainTokens)),
		c.Config.Run.Dir)
}

// skip counts a run that an earlier process finished.
func (p *progress) skip() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
}

func (p *progress) start(name string, s stage) {
	verb := "begins"
	if s == started {
		verb = "goes on"
	}
	p.say("%s: %s", name, verb)
}

func (p *progress) finish(name string, r *Result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	p.mine++
	left := time.Since(p.since) / time.Duration(p.mine) * time.Duration(p.runs-p.done)
	test := ""
	if r.tested {
		test = fmt.Sprintf("test %.4f, ", float64(r.Test))
	}
	fmt.Fprintf(p.out, "[%*d/%d] %s: %sbest valid %.4f at step %d, final %.4f, %s tokens/s; %s left\n",
		len(fmt.Sprint(p.runs)), p.done, p.runs,
		name, test, float64(r.Best), r.BestStep, float64(r.Final), metrics.Count(float64(r.TokensPerS)),
		metrics.Duration(left))
}

// console prints a run's warnings.
func (p *progress) console(name string) *metrics.Console {
	return metrics.NewConsole(metrics.ConsoleOptions{Out: &relay{p, name}, Quiet: true})
}

// relay prefixes lines with the run's name, and drops warnings that were printed before.
type relay struct {
	progress *progress
	name     string
}

func (r *relay) Write(line []byte) (int, error) {
	text := strings.TrimSuffix(string(line), "\n")
	if !slices.Contains(r.progress.warned, strings.TrimPrefix(text, "warning: ")) {
		r.progress.say("%s: %s", r.name, text)
	}
	return len(line), nil
}
