package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"dmtrain/internal/checkpoint"
	"dmtrain/internal/config"
	"dmtrain/internal/data"
	"dmtrain/internal/tokenizer"
)

// same says whether a run may go on with the text of another. What tests may come or change: it decides nothing.
func (t texts) same(now texts) bool {
	return t.Train == now.Train && t.Valid == now.Valid && (t.Cut == now.Cut || t.Cut == 0)
}

// splitTokens says whether a saved model comes from a program that made the tokenizer for the whole of data.train and split its tokens.
// It also gives the checksum of the text.
func splitTokens(saved *checkpoint.Saved, c config.Config) (train uint32, is bool) {
	var was texts
	if len(saved.State.Data) == 0 || json.Unmarshal(saved.State.Data, &was) != nil {
		return 0, false
	}
	return was.Train, c.Task != config.TaskPairs && len(c.Data.Valid) == 0 && was.Cut == 0
}

// oldSplit is what such a program did that is done otherwise now; empty if that is all the same, or if the text is another one.
func oldSplit(c data.Config, tok tokenizer.Tokenizer, train uint32) (_ string, err error) {
	c.Test, c.TestFraction = nil, 0 // there was none
	before, err := data.Open(c, data.Options{Tokenizer: tok, AfterTokens: true})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, before.Close()) }()
	if before.Train.Checksum() != train {
		return "", nil
	}
	now, err := data.Open(c, data.Options{})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, now.Close()) }()
	switch {
	case !maps.EqualFunc(now.Tokenizer.Files(), tok.Files(), slices.Equal):
		return "made the tokenizer for the validation text too, which made its losses too good", nil
	case now.Cut() != before.Cut() || now.Valid.Bytes() != before.Valid.Bytes():
		return fmt.Sprintf("split the text by tokens, at token %d, where it is split by characters now, at token %d", before.Cut(), now.Cut()), nil
	}
	return "", nil
}

// refuseOldSplit refuses to go on with a run whose tokenizer or split would be another one now.
func (s *session) refuseOldSplit(saved *checkpoint.Saved) error {
	train, is := splitTokens(saved, s.Config)
	if !is {
		return nil
	}
	tok, err := tokenizer.Load(saved.Files())
	if err != nil {
		return fmt.Errorf("%s: %w", saved.Dir, err)
	}
	reason, err := oldSplit(s.Config.Data, tok, train)
	if err == nil && reason != "" {
		err = fmt.Errorf("%s can't be resumed: dmtrain %s, which began it, %s; end it with that program, or begin a new run in another run.dir. Its checkpoints can be read as before",
			s.run.Dir, saved.State.Version, reason)
	}
	return err
}
