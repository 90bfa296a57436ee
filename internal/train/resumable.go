package train

import (
	"fmt"
	"strings"

	"dmtrain/internal/checkpoint"
	"dmtrain/internal/config"
)

// changeable are the settings that may change silently when a run is resumed: they say where and how long it trains,
// not what. The rest of section train may change too, with a note.
var changeable = []string{"device", "run.dir", "data.train", "data.valid", "data.test", "data.pairs.test_source",
	"data.pairs.test_target", "train.eval_every", "train.eval_batches",
	"train.save_every", "train.keep", "train.patience", "log.every", "bench.vocab"}

// checkSettings refuses to resume a run with settings that would make it another run, and notes those that change its
// course. restore compares the text.
func (s *session) checkSettings() error {
	file, err := config.Read(s.run.Path(checkpoint.ConfigFile))
	if err != nil {
		return err
	}
	old, err := file.Config()
	if err != nil {
		return err
	}
	var refused, noted []string
	for _, change := range s.Config.ChangesFrom(old, changeable) {
		text := change.String()
		switch {
		case change.Key == "train.batch_size" || !strings.HasPrefix(change.Key, "train."):
			refused = append(refused, text)
		case change.Key == "train.micro_batch":
			noted = append(noted, text+" (sums are rounded in another order)")
		default:
			noted = append(noted, text)
		}
	}
	if len(refused) > 0 {
		text := fmt.Sprintf("%s can't be resumed with other settings; set them back, or begin a new run in another "+
			"run.dir:\n  %s", s.run.Dir, strings.Join(refused, "\n  "))
		return &config.Invalid{Problems: []config.Problem{{Text: text}}}
	}
	for _, change := range noted {
		s.Console.Note("resuming with a change: %s", change)
	}
	return nil
}
