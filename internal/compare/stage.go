package compare

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"dmtrain/internal/checkpoint"
	"dmtrain/internal/config"
)

// stage is how far a trial has come.
type stage int

const (
	absent   stage = iota
	torn           // killed before it wrote its configuration: nothing is lost by beginning again
	started        // to be resumed
	finished       // all steps taken, the last one evaluated and saved, and the best one tested
)

// stage looks at the trial's run. A run with other settings than the trial's is an error.
func (t *trial) stage() (stage, error) {
	run, err := checkpoint.ViewRun(t.config.Run.Dir)
	if errors.Is(err, checkpoint.ErrNoRun) {
		return absent, nil
	}
	if err != nil {
		return absent, err
	}
	if err := t.same(run.Path(checkpoint.ConfigFile)); errors.Is(err, fs.ErrNotExist) {
		return torn, nil
	} else if err != nil {
		return absent, err
	}
	last, err := run.Last()
	switch {
	case errors.Is(err, checkpoint.ErrNoCheckpoint):
		return started, nil
	case err != nil:
		return absent, err
	case last < t.config.Train.Steps:
		return started, nil
	}
	r, err := t.result()
	if err != nil {
		return absent, err
	}
	if r.step() < t.config.Train.Steps || t.config.Data.HasTest() && !r.tested {
		return started, nil
	}
	return finished, nil
}

// indifferent are the settings that change nothing a comparison shows, and those of where things are: the text is
// compared by itself.
var indifferent = []string{"device", "run.dir", "data.train", "data.valid", "data.test", "train.micro_batch",
	"train.save_every", "train.keep", "log.every", "bench.vocab"}

// same refuses the configuration of a run that was trained otherwise.
func (t *trial) same(path string) error {
	file, err := config.Read(path)
	if err != nil {
		return err
	}
	old, err := file.Config()
	if err != nil {
		return err
	}
	old.Mask.YokedTo = tail(old.Mask.YokedTo)
	now := t.config
	now.Mask.YokedTo = tail(now.Mask.YokedTo)
	was, is := old.Settings(), now.Settings()
	var changes []string
	for _, key := range config.Keys() {
		if fmt.Sprint(was[key]) != fmt.Sprint(is[key]) && !slices.Contains(indifferent, key) {
			changes = append(changes, fmt.Sprintf("%s: %v, was %v", key, is[key], was[key]))
		}
	}
	if len(changes) > 0 {
		return fmt.Errorf("%s was trained with other settings, so it can't be compared; set them back, delete it, "+
			"or keep this comparison elsewhere by --out:\n  %s",
			t.config.Run.Dir, strings.Join(changes, "\n  "))
	}
	return nil
}

// tail is a trial's directory within its comparison, which may have been moved.
func tail(dir string) string {
	return filepath.Join(filepath.Base(filepath.Dir(dir)), filepath.Base(dir))
}
