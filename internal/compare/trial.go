package compare

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"dmtrain/internal/config"
	"dmtrain/internal/mask"
)

// shared are the settings, and the sections, that make arms comparable: no arm may set them.
var shared = []string{"task", "device", "precision", "run.", "data.", "train.steps", "train.batch_size",
	"train.eval_every", "train.eval_batches",
	"train.patience", "bench.", "log."}

// trial is an arm with one seed: a run.
type trial struct {
	arm    int
	seed   int // its number, from 0
	config config.Config
	yoked  bool    // it needs another trial's record
	tokens float64 // predicted in a step, on average; known once the text has been looked at
}

func (t *trial) name(arms []Arm) string {
	return fmt.Sprintf("%s, seed %d", arms[t.arm].Name, t.config.Run.Seed)
}

// trialsOf are the trials of a comparison, seed by seed, so that what is finished when it is interrupted is of all
// arms. The error is a [config.Invalid] that names arms.
func trialsOf(o Options) ([]trial, error) {
	var problems []config.Problem
	configs := make([]config.Config, len(o.Arms))
	for i, arm := range o.Arms {
		var found []config.Problem
		configs[i], found = o.configure(arm)
		problems = append(problems, found...)
	}
	if len(problems) > 0 {
		return nil, &config.Invalid{Problems: problems}
	}
	var trials []trial
	for seed := range o.Seeds {
		for i, arm := range o.Arms {
			t := trial{
				arm:    i,
				seed:   seed,
				config: configs[i],
				yoked:  arm.Yoked != "",
			}
			t.config.Run.Seed += uint64(seed)
			t.config.Run.Dir = o.dir(arm, seed)
			if t.yoked {
				t.config.Mask.YokedTo = o.yokedTo(arm, seed)
			}
			trials = append(trials, t)
		}
	}
	return trials, nil
}

// dir is where a trial is kept.
func (o Options) dir(arm Arm, seed int) string {
	return filepath.Join(o.Config.Run.Dir, arm.dir(), fmt.Sprintf("seed-%d", o.Config.Run.Seed+uint64(seed)))
}

// yokedTo is the trial whose openness a yoked arm's trial replays: of the next seed, for with its own seed it would
// be that trial again.
func (o Options) yokedTo(arm Arm, seed int) string {
	return o.dir(*o.find(arm.Yoked), (seed+1)%o.Seeds)
}

// find is the arm of a name, nil if there is none.
func (o Options) find(name string) *Arm {
	if i := slices.IndexFunc(o.Arms, func(a Arm) bool { return a.Name == name }); i >= 0 {
		return &o.Arms[i]
	}
	return nil
}

// configure is the configuration of an arm, but for seed and directory.
func (o Options) configure(arm Arm) (config.Config, []config.Problem) {
	c, origin := o.Config, "--arms: "+arm.Name
	settings := arm.Settings
	if arm.Yoked != "" {
		target := o.find(arm.Yoked)
		if target == nil || target.Yoked != "" {
			return c, []config.Problem{{
				Origin: origin,
				Text: fmt.Sprintf("replays the openness of %q, which is not among the arms that have their own",
					arm.Yoked),
			}}
		}
		settings = slices.Concat(target.Settings, arm.Settings,
			[]Setting{{"mask.control", mask.ControlYoked}, {"mask.yoked_to", "set for each trial"}})
	}
	var problems []config.Problem
	for _, s := range settings {
		problems = append(problems, apply(s, &c)...)
	}
	if arm.Yoked != "" {
		problems = append(problems, o.yokable(arm)...)
	}
	err := config.Check(c, problems, o.Tasks.Problems(c), func(string) string { return "" })
	if invalid, ok := err.(*config.Invalid); ok {
		problems = invalid.Problems
	}
	for i := range problems {
		problems[i].Origin = origin
	}
	return c, problems
}

// apply lays a setting over c.
func apply(s Setting, c *config.Config) []config.Problem {
	switch {
	case !slices.Contains(config.Keys(), s.Key):
		return []config.Problem{config.Unknown(s.Key)}
	case isShared(s.Key):
		return []config.Problem{{
			Key:  s.Key,
			Text: "has to be the same for all arms: set it for the whole comparison (--set)",
		}}
	}
	var nested any = s.Value
	names := strings.Split(s.Key, ".")
	for _, name := range slices.Backward(names) {
		nested = map[string]any{name: nested}
	}
	return config.Decode(nested.(map[string]any), c)
}

func isShared(key string) bool {
	return slices.ContainsFunc(shared,
		func(s string) bool { return key == s || strings.HasSuffix(s, ".") && strings.HasPrefix(key, s) })
}

// yokable says what is wrong with the arm whose openness another one replays.
func (o Options) yokable(arm Arm) []config.Problem {
	c := o.Config
	for _, s := range o.find(arm.Yoked).Settings {
		apply(s, &c) // its own problems are told with it
	}
	if !c.Mask.Hides() || c.Mask.Control == mask.ControlFixed || c.Mask.FirstLook() {
		return []config.Problem{{Text: fmt.Sprintf("replays the openness of %s, which has none that moves (form "+
			"%s, control %s)", arm.Yoked, c.Mask.Form, c.Mask.Control)}}
	}
	return nil
}
