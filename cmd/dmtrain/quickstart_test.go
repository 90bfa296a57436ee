package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dmtrain/internal/metrics"
)

// TestQuickstartLearnsToTellStories holds what README promises of its first command.
func TestQuickstartLearnsToTellStories(t *testing.T) {
	if os.Getenv("DMTRAIN_LONG") == "" {
		t.Skip("trains for about a minute: set DMTRAIN_LONG=1")
	}
	config, err := filepath.Abs("../../configs/quickstart.yaml")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	dmtrain(t, "train", "--config", config)
	var evals []metrics.Eval
	for record, err := range metrics.ReadFile("runs/quickstart/metrics.jsonl") {
		if err != nil {
			t.Fatal(err)
		}
		if record.Eval != nil {
			evals = append(evals, *record.Eval)
		}
	}
	first, last := evals[0], evals[len(evals)-1]
	if first.Step != 0 || !(last.ValidLoss < 0.4*first.ValidLoss) {
		t.Errorf("validation loss %v at step %d, %v at step %d: not below 40 %%", first.ValidLoss, first.Step,
			last.ValidLoss, last.Step)
	}
	told := dmtrain(t, "sample", "--run", "runs/quickstart", "--num", "4")
	if sentences := regexp.MustCompile(`[A-Z][a-z]* [a-z ,']+[.!?]`).FindAllString(told, -1); len(sentences) < 4 {
		t.Errorf("%d sentences in\n%s", len(sentences), strings.TrimSpace(told))
	}
}
