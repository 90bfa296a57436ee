package data

import "fmt"

// PairOverlap counts the held-out pairs that are training pairs too, wholly or on one side.
type PairOverlap struct {
	Split  string `json:"split"` // valid or test
	Pairs  int    `json:"pairs"`
	Both   int    `json:"both"`   // training pairs
	Source int    `json:"source"` // with the source of a training pair
	Target int    `json:"target"` // with the target of a training pair

	Example string `json:"example,omitempty"` // a source of Both, or else of Source
}

// pairOverlapOf searches the training pairs for all held-out texts.
func pairOverlapOf(split string, held, train *Pairs) PairOverlap {
	o := PairOverlap{Split: split, Pairs: held.Len()}
	both, sources, targets := map[PairText]bool{}, map[string]bool{}, map[string]bool{}
	for _, p := range held.Texts {
		both[p], sources[p.Source], targets[p.Target] = false, false, false
	}
	for _, p := range train.Texts {
		mark(both, p)
		mark(sources, p.Source)
		mark(targets, p.Target)
	}
	for _, p := range held.Texts {
		if targets[p.Target] {
			o.Target++
		}
		if sources[p.Source] {
			if o.Source++; o.Example == "" {
				o.Example = p.Source
			}
		}
		if both[p] {
			if o.Both++; o.Both == 1 {
				o.Example = p.Source
			}
		}
	}
	return o
}

// mark marks a wanted key as found.
func mark[K comparable](wanted map[K]bool, key K) {
	if found, ok := wanted[key]; ok && !found {
		wanted[key] = true
	}
}

// warning warns of an overlap that makes losses on the pairs meaningless; empty if it is small. Repeated targets alone
// cause a warning only if all are repeated, since some tasks have few targets for many sources.
func (o PairOverlap) warning(key string) string {
	most := float64(o.Pairs)
	switch {
	case float64(o.Source) >= alarm*most:
		return fmt.Sprintf("%s: of %d pairs %d have the source of a training pair, %d the target too, and their "+
			"loss says little: %q, for one", key, o.Pairs, o.Source, o.Both, short(o.Example))
	case o.Pairs >= minWindows && o.Target == o.Pairs:
		return fmt.Sprintf("%s: each of %d targets is that of a training pair", key, o.Pairs)
	}
	return ""
}

// short is a text, or the beginning of a long one.
func short(text string) string {
	if runes := []rune(text); len(runes) > windowBytes {
		return string(runes[:windowBytes]) + "…"
	}
	return text
}

// compare warns of overlaps of training and held-out pairs, and of the same file on one side. It refuses the same files
// on both sides, unless nothing will be trained.
func (s *PairSet) compare(c Config, o Options) error {
	p := c.Pairs
	for _, x := range []struct {
		key, split     string
		entries        []string
		source, target []string
		held           *Pairs
	}{{"valid", "valid", c.Valid, p.ValidSource, p.ValidTarget, s.Valid},
		{"test", "test", c.Test, p.TestSource, p.TestTarget, s.Test}} {
		if x.held == nil {
			continue
		}
		warnings, err := samePairs(c, x.key, x.entries, x.source, x.target)
		if err != nil && !o.Evaluating {
			return err
		}
		if err != nil {
			warnings = append(warnings, err.Error())
		}
		s.Warnings = append(s.Warnings, warnings...)
		found := pairOverlapOf(x.split, x.held, s.Train)
		s.Overlaps = append(s.Overlaps, found)
		key := "data." + x.key
		if len(x.entries)+len(x.source) == 0 {
			key += "_fraction"
		}
		if w := found.warning(key); w != "" && err == nil {
			s.Warnings = append(s.Warnings, w)
		}
	}
	return nil
}

// samePairs finds files that are both training and held-out pairs; it is an error if that is so on both sides.
func samePairs(c Config, key string, entries, sources, targets []string) (warnings []string, err error) {
	if t, h := common(c.Train, entries); t != "" {
		return nil, fmt.Errorf("data.%s: %s is in data.train too (%s): name other pairs, or none, and a share of "+
			"data.train is split off", key, h, t)
	}
	source, heldSource := common(c.Pairs.Source, sources)
	target, heldTarget := common(c.Pairs.Target, targets)
	shared := func(side, name, held string) string {
		return fmt.Sprintf("data.pairs.%s_%s: %s is in data.pairs.%s too (%s)", key, side, held, side, name)
	}
	switch {
	case source != "" && target != "":
		return nil, fmt.Errorf("%s, and so is its other side: name other pairs, or none, and a share is split off",
			shared("source", source, heldSource))
	case source != "":
		return []string{shared("source", source, heldSource) + ": is it the right file?"}, nil
	case target != "":
		return []string{shared("target", target, heldTarget) + ": is it the right file?"}, nil
	}
	return nil, nil
}

// common is a file or generated text that two lists of entries share, under both its names; empty if none. Reading
// reports missing files later.
func common(train, held []string) (string, string) {
	known := map[string]string{}
	ids := func(entry string, each func(id, name string)) {
		if isBuiltin(entry) {
			each(entry, entry)
			return
		}
		files, _, err := findFiles(entry)
		if err != nil {
			return
		}
		for _, f := range files {
			if id, err := fileID(f.path); err == nil {
				each(id, f.path)
			}
		}
	}
	for _, entry := range train {
		ids(entry, func(id, name string) { known[id] = name })
	}
	for _, entry := range held {
		found, as := "", ""
		ids(entry, func(id, name string) {
			if t, ok := known[id]; ok && found == "" {
				found, as = t, name
			}
		})
		if found != "" {
			return found, as
		}
	}
	return "", ""
}
