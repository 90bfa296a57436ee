package canary

import (
	"bytes"
	"context"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dmtrain/internal/config"
	"dmtrain/internal/data"
	"dmtrain/internal/metrics"
	"dmtrain/internal/task"
	"dmtrain/internal/task/tasks"
	"dmtrain/internal/train"
)

// onTexts trains the canary's model on the given texts, and calls back with every validation batch.
func onTexts(t *testing.T, c config.Config, steps int, scored func(*task.Batch)) {
	t.Helper()
	s, _ := small(c)
	compress(&s, c, steps)
	s.Train.EvalEvery, s.Data.Tokenizer = c.Train.EvalEvery, c.Data.Tokenizer
	s.Data.Train, s.Data.Valid, s.Data.ValidFraction = c.Data.Train, c.Data.Valid, c.Data.ValidFraction
	s.Run.Dir = filepath.Join(t.TempDir(), "run")
	err := train.Run(context.Background(), train.Options{
		Tasks:   tasks.All(),
		Config:  s,
		Console: metrics.NewConsole(metrics.ConsoleOptions{Out: io.Discard, Quiet: true}),
		Hooks: train.Hooks{Scored: func(b *task.Batch) error {
			if b.Kind == task.BatchValid {
				scored(b)
			}
			return nil
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func written(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

const wordLetters = 4

// words draws n words from a list of random words over 16 letters.
func words(r *rand.Rand, list, n int) string {
	var all []string
	for range list {
		var w strings.Builder
		for range wordLetters {
			w.WriteByte("abcdefghijklmnop"[r.IntN(16)])
		}
		all = append(all, w.String())
	}
	var b strings.Builder
	for i := range n {
		if list == n {
			b.WriteString(all[i] + " ")
			continue
		}
		b.WriteString(all[r.IntN(list)] + " ")
	}
	return b.String()
}

// unread is the least loss, in nats, of a row of words that no training text contains, and the number of letters it
// counts: each word costs 4 letters of 16 on its first occurrence in the row. Words cut off at the end cost nothing.
func unread(b *task.Batch, row int) (least float64, letters int) {
	var text []byte
	for n := row * b.Rows.T; n < (row+1)*b.Rows.T; n++ {
		if b.Rows.Next[n] >= 0 {
			text = b.Tokenizer.Decode(text, []int32{b.Rows.Next[n]})
		}
	}
	seen := map[string]bool{}
	whole := bytes.Split(text, []byte(" "))
	for i, w := range whole {
		if i > 0 && i < len(whole)-1 && len(w) == wordLetters && !seen[string(w)] {
			seen[string(w)] = true
			letters += wordLetters
		}
	}
	return float64(letters) * math.Log(16), letters
}

// A vocabulary learnt on the validation text reveals words that training never saw. The test plants one that was
// made for both parts.
func TestCanaryOfWordsThatOnlyValidate(t *testing.T) {
	skipUnlessLong(t)
	r := rand.New(rand.NewPCG(1, 1))
	// Where the text is split, between the two kinds of words, each occurs once.
	text := words(r, 150, 15600) + words(r, 300, 300) + words(r, 60, 3700)
	c := textConfig()
	c.Data.Tokenizer.Kind, c.Data.Tokenizer.Size = "bpe", 900
	c.Data.Train, c.Data.ValidFraction, c.Train.EvalBatches = []string{written(t, "all.txt", text)}, 0.2, 0
	least := func(c config.Config) (d, se float64) {
		c.Train.EvalEvery = 20
		evaluations := map[int]*sums{}
		onTexts(t, c, 60, func(b *task.Batch) {
			s := evaluations[b.Step]
			if s == nil {
				s = &sums{}
				evaluations[b.Step] = s
			}
			for row := range b.Rows.B {
				bound, letters := unread(b, row)
				o := rowSums{targets: letters, bound: bound}
				for n := row * b.Rows.T; n < (row+1)*b.Rows.T; n++ {
					o.nll += float64(b.Out.NLL[n])
				}
				if letters > 0 {
					s.add(&o)
				}
			}
		})
		d, se = math.Inf(1), 1
		for _, s := range evaluations { // training soon learns to rule out tokens it never sees
			if e, chance := s.mean(); e < d {
				d, se = e, chance
			}
		}
		return d, se
	}
	d, se := least(c)
	t.Logf("as it is: %+.4f ± %.4f nats a letter", d, se)
	if d < -errorsBelow*se {
		t.Errorf("words that training never saw cost %.4f ± %.4f nats a letter less than they must", -d, se)
	}
	both := c
	both.Data.Valid, both.Data.ValidFraction = []string{written(t, "other.txt", words(r, 300, 10))}, 0
	set, err := data.Open(both.Data, data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	for name, file := range set.Tokenizer.Files() {
		if name == "tokenizer.json" {
			c.Data.Tokenizer.File, c.Data.Tokenizer.Size = written(t, name, string(file)), 0
		}
	}
	d, se = least(c)
	t.Logf("planted: %+.4f ± %.4f nats a letter", d, se)
	if d > -errorsBelow*se {
		t.Errorf("a vocabulary that was learnt on the validation text is not found: %.4f ± %.4f nats a letter", d, se)
	}
}

// uniform draws letters uniformly from an alphabet of four.
func uniform(seed uint64, n int) string {
	r := rand.New(rand.NewPCG(seed, 9))
	b := make([]byte, n)
	for i := range b {
		b[i] = "abcd"[r.IntN(4)]
	}
	return string(b)
}

// above is how far the loss of an evaluation of uniform letters lies above their entropy.
func above(s map[int]*sums, b *task.Batch) {
	if s[b.Step] == nil {
		s[b.Step] = &sums{}
	}
	for row := range b.Rows.B {
		o := rowSums{}
		for n := row * b.Rows.T; n < (row+1)*b.Rows.T; n++ {
			if b.Plan.Targets[n] >= 0 {
				o.targets, o.nll, o.bound = o.targets+1, o.nll+float64(b.Out.NLL[n]), o.bound+math.Log(4)
			}
		}
		if o.targets > 0 {
			s[b.Step].add(&o)
		}
	}
}

// A validation text that training also reads falls below its entropy; another does not.
func TestCanaryOfCopies(t *testing.T) {
	skipUnlessLong(t)
	text := uniform(1, 400)
	for name, valid := range map[string]string{"another text": uniform(2, 4000), "the same text": text} {
		t.Run(name, func(t *testing.T) {
			c := textConfig()
			c.Data.Train, c.Data.Valid = []string{written(t, "train.txt", text)},
				[]string{written(t, "valid.txt", valid)}
			s := map[int]*sums{}
			onTexts(t, c, 500, func(b *task.Batch) { above(s, b) })
			d, se := s[500].mean()
			t.Logf("%+.4f ± %.4f", d, se)
			if leaks := d < -errorsBelow*se; leaks != (valid == text) {
				t.Errorf("%.4f ± %.4f nats above the entropy", d, se)
			}
		})
	}
}

// The best of many evaluations on one text looks better than its model is: chance chose it.
func TestCanaryOfTheBestOfMany(t *testing.T) {
	skipUnlessLong(t)
	const seeds = 10
	var best, last []float64
	for seed := range uint64(seeds) {
		c := textConfig()
		c.Run.Seed, c.Train.EvalEvery = seed+1, 5
		c.Data.Train, c.Data.Valid = []string{written(t, "train.txt", uniform(100+seed, 1<<15))},
			[]string{written(t, "valid.txt", uniform(200+seed, 300))}
		s := map[int]*sums{}
		onTexts(t, c, 400, func(b *task.Batch) { above(s, b) })
		least := math.Inf(1)
		for step, rowSums := range s {
			if d, _ := rowSums.mean(); step > 0 {
				least = min(least, d)
			}
		}
		d, _ := s[400].mean()
		best, last = append(best, least), append(last, d)
	}
	chosen, chosenSE := meanOf(best)
	plain, plainSE := meanOf(last)
	t.Logf("chosen %+.4f ± %.4f, last %+.4f ± %.4f", chosen, chosenSE, plain, plainSE)
	if chosen > -errorsBelow*chosenSE {
		t.Errorf("the best of 80 evaluations lies %.4f ± %.4f above the entropy: no different from what it should be",
			chosen, chosenSE)
	}
	if plain < -errorsBelow*plainSE {
		t.Errorf("the last of them, which nothing chose, lies %.4f ± %.4f above the entropy", plain, plainSE)
	}
}

func meanOf(v []float64) (mean, se float64) {
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		se += (x - mean) * (x - mean)
	}
	return mean, math.Sqrt(se / float64(len(v)*(len(v)-1)))
}
