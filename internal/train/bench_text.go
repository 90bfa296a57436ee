package train

import (
	"fmt"

	"dmtrain/internal/config"
	"dmtrain/internal/kernels"
	"dmtrain/internal/recipe"
	"dmtrain/internal/task"
	"dmtrain/internal/tokenizer"
)

// benchStepper builds a configuration's step over random tokens.
func benchStepper(be kernels.Backend, c config.Config, k task.Task) (*stepper, error) {
	vocab, err := benchVocab(c)
	if err != nil {
		return nil, err
	}
	run := recipe.MaskRun(c, recipe.Text{Vocab: vocab, End: -1, Entropy: 1}, nil)
	return newStepper(be, c, k, k.Random(c, vocab), run)
}

// work is the size of a step.
type work struct {
	tokens int     // read, those of sources included
	flops  float64 // of the model alone
	bytes  int     // held by its passes
}

// work is the size of the last step.
func (s *stepper) work() work {
	w := work{bytes: s.micro[0].pass.Bytes()}
	for _, m := range s.micro {
		p := m.pass
		w.tokens += p.B * (p.S + p.T)
		w.flops += float64(p.B) * s.model.Flops(p.S, p.T)
	}
	return w
}

// benchVocab is the vocabulary size of the random text.
func benchVocab(c config.Config) (int, error) {
	if c.Bench.Vocab > 0 {
		return c.Bench.Vocab, nil
	}
	if c.Data.Tokenizer.Kind != tokenizer.DefaultConfig().Kind {
		return 0, fmt.Errorf("bench.vocab: tokenizer %q gets its vocabulary from a text, which bench doesn't read: "+
			"say how many tokens it has", c.Data.Tokenizer.Kind)
	}
	t, err := tokenizer.New(c.Data.Tokenizer, tokenizer.NewSurvey(c.Data.Tokenizer))
	if err != nil {
		return 0, err
	}
	return t.Vocab(), nil
}
