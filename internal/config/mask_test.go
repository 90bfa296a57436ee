package config_test

import (
	"strings"
	"testing"
)

// More than one bucket needs a structure that shows a position its document's start, or the buckets would tell of it. A target of a pair
// always starts where its row does.
func TestBucketsNeedTheStart(t *testing.T) {
	const text = "data: {train: a.txt}\nmask: {form: infill, window: 4, buckets: "
	for _, c := range []struct {
		buckets, structure string
		ok                 bool
	}{{"1", "window", true}, {"4", "window", false}, {"4", "causal", true}, {"4", "sinks", true}, {"4", "blocks", true}, {"4", "prefix", true}, {"4", "full", true}} {
		_, err := parse(t, text+c.buckets+", structure: "+c.structure+"}")
		if c.ok != (err == nil) || err != nil && !strings.Contains(err.Error(), "mask.buckets: 4 ranges of positions") {
			t.Errorf("%s buckets under structure %s: %v", c.buckets, c.structure, err)
		}
	}
	if _, err := parse(t, text+"4, structure: window}\ntask: seq2seq"); err != nil {
		t.Errorf("of pairs: %v", err)
	}
	if _, err := parse(t, strings.Replace(text, "infill", "none", 1)+"4, structure: window}"); err != nil {
		t.Errorf("form none: %v", err)
	}
}
