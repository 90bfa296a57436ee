package compare

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"dmtrain/internal/config"
	"dmtrain/internal/mask"
)

// shared are the settings and sections that must be the same for all arms: no arm may set them.
var shared = []string{"task", "device", "precision", "run.", "data.", "train.steps", "train.batch_size",
	"train.eval_every", "train.eval_batches",
	"train.patience", "bench.", "log."}

// run is an arm trained with one seed.
type run struct {
	arm    int
	seed   int // index of the seed, from 0
	config config.Config
	yoked  bool    // it replays another run's record
	tokens float64 // mean number of predicted tokens a step; set by comparison.measure
}

func (r *run) name(arms []Arm) string {
	return fmt.Sprintf("%s, seed %d", arms[r.arm].Name, r.config.Run.Seed)
}

// runsOf are the runs of a comparison, seed by seed, so that an interrupted comparison has finished runs of all
// arms. The error is a [config.Invalid] that names arms.
func runsOf(o Options) ([]run, error) {
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
	var runs []run
	for seed := range o.Seeds {
		for i, arm := range o.Arms {
			r := run{
				arm:    i,
				seed:   seed,
				config: configs[i],
				yoked:  arm.Yoked != "",
			}
			r.config.Run.Seed += uint64(seed)
			r.config.Run.Dir = o.dir(arm, seed)
			if r.yoked {
				r.config.Mask.YokedTo = o.yokedTo(arm, seed)
			}
			runs = append(runs, r)
		}
	}
	return runs, nil
}

// dir is the directory of a run.
func (o Options) dir(arm Arm, seed int) string {
	return filepath.Join(o.Config.Run.Dir, arm.dir(), fmt.Sprintf("seed-%d", o.Config.Run.Seed+uint64(seed)))
}

// yokedTo is the directory of the run whose openness a yoked run replays: that of the next seed, since with the same
// seed it would be the same run again.
func (o Options) yokedTo(arm Arm, seed int) string {
	return o.dir(*o.find(arm.Yoked), (seed+1)%o.Seeds)
}

// find is the arm with a name, or nil.
func (o Options) find(name string) *Arm {
	if i := slices.IndexFunc(o.Arms, func(a Arm) bool { return a.Name == name }); i >= 0 {
		return &o.Arms[i]
	}
	return nil
}

// configure is the configuration of an arm, before seed and directory are set.
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
			[]Setting{{"mask.control", mask.ControlYoked}, {"mask.yoked_to", "set for each run"}})
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

// apply applies a setting to c.
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

// yokable checks the arm whose openness another one replays.
func (o Options) yokable(arm Arm) []config.Problem {
	c := o.Config
	for _, s := range o.find(arm.Yoked).Settings {
		apply(s, &c) // its problems are reported with its own arm
	}
	if !c.Mask.Hides() || c.Mask.Control == mask.ControlFixed || c.Mask.FirstLook() {
		return []config.Problem{{Text: fmt.Sprintf("replays the openness of %s, which has none that moves (form "+
			"%s, control %s)", arm.Yoked, c.Mask.Form, c.Mask.Control)}}
	}
	return nil
}
