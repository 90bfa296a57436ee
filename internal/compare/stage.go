package compare

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"dmtrain/internal/checkpoint"
	"dmtrain/internal/config"
)

// stage is the progress of a run.
type stage int

const (
	absent   stage = iota
	started        // to be resumed
	finished       // all steps taken, the last one evaluated and saved, and the best one tested
)

// stage finds out how far the run has come. It is an error if it was trained with other settings.
func (r *run) stage() (stage, error) {
	dir, err := checkpoint.ViewRun(r.config.Run.Dir)
	if errors.Is(err, checkpoint.ErrNoRun) {
		return absent, nil
	}
	if err != nil {
		return absent, err
	}
	if err := r.same(dir.Path(checkpoint.ConfigFile)); err != nil {
		return absent, err
	}
	last, err := dir.Last()
	switch {
	case errors.Is(err, checkpoint.ErrNoCheckpoint):
		return started, nil
	case err != nil:
		return absent, err
	case last < r.config.Train.Steps:
		return started, nil
	}
	result, err := r.result()
	if err != nil {
		return absent, err
	}
	if result.step() < r.config.Train.Steps || r.config.Data.HasTest() && !result.tested {
		return started, nil
	}
	return finished, nil
}

// indifferent are settings that don't change the results. Those that locate texts are among them, since the texts
// themselves are compared.
var indifferent = []string{"device", "run.dir", "data.train", "data.valid", "data.test", "train.micro_batch",
	"train.save_every", "train.keep", "log.every", "bench.vocab"}

// same refuses a run that was trained with other settings.
func (r *run) same(path string) error {
	file, err := config.Read(path)
	if err != nil {
		return err
	}
	old, err := file.Config()
	if err != nil {
		return err
	}
	old.Mask.YokedTo = tail(old.Mask.YokedTo)
	now := r.config
	now.Mask.YokedTo = tail(now.Mask.YokedTo)
	var changes []string
	for _, change := range now.ChangesFrom(old, indifferent) {
		changes = append(changes, change.String())
	}
	if len(changes) > 0 {
		return fmt.Errorf("%s was trained with other settings, so it can't be compared; set them back, delete it, "+
			"or keep this comparison elsewhere by --out:\n  %s",
			r.config.Run.Dir, strings.Join(changes, "\n  "))
	}
	return nil
}

// tail is a run's directory within its comparison, which may have been moved.
func tail(dir string) string {
	return filepath.Join(filepath.Base(filepath.Dir(dir)), filepath.Base(dir))
}
