package mask

// The controls: what moves openness.
const (
	ControlFixed    = "fixed"    // nothing: a constant
	ControlLinear   = "linear"   // a schedule
	ControlAdaptive = "adaptive" // reliability opens
	ControlInverse  = "inverse"  // reliability closes
	ControlYoked    = "yoked"    // another run's recorded openness, which tells adaptivity from schedule
	ControlTwoPass  = "two_pass" // each slot's own confidence in a first pass under the static mask
)

// control is a row of the table of controls.
type control struct {
	name string
	// scheduled is the openness of a bucket at a step; nil where it follows this run's reliability.
	scheduled func(c *Controller, step, bucket int) float64
	// goal is the openness that a goal between 0, closed, and 1, fully reliable, asks for; nil where reliability
	// moves nothing.
	goal func(g float64) float64
	// firstLook says that every slot has an openness of its own, from a look before the mask opens.
	firstLook bool
	// problems are those of the settings that it needs.
	problems func(c *Config, p *problems)
}

// controls are all there are.
func controls() []control {
	return []control{
		{name: ControlFixed, scheduled: func(c *Controller, _, _ int) float64 { return c.cfg.Openness }},
		{name: ControlLinear, scheduled: linear},
		{name: ControlAdaptive, goal: func(g float64) float64 { return g }},
		{name: ControlInverse, goal: func(g float64) float64 { return 1 - g }},
		{name: ControlYoked, scheduled: replayed, problems: yokedProblems},
		{
			name:      ControlTwoPass,
			scheduled: closed,
			firstLook: true,
			problems:  twoPassProblems,
		},
	}
}

// controlOf is the control of a name; that of a configuration with Problems may be none.
func controlOf(name string) control {
	return named(controls(), name, func(c control) string { return c.name })
}

// linear goes from one openness to another, and stays.
func linear(c *Controller, step, _ int) float64 {
	s := c.cfg.Schedule
	if step >= s.Steps {
		return s.To
	}
	return s.From + float64((s.To-s.From)*float64(step)/float64(s.Steps))
}

func replayed(c *Controller, step, bucket int) float64 { return c.run.Yoke.at(step, bucket) }

// closed is two_pass's: what slots have of their own stands in the plan.
func closed(*Controller, int, int) float64 { return 0 }

func yokedProblems(c *Config, p *problems) {
	if c.YokedTo == "" {
		p.add("yoked_to", "control yoked needs the run directory whose openness it replays")
	}
}

func twoPassProblems(c *Config, p *problems) {
	if c.Form == FormInput {
		p.add("form", "control two_pass sets the windows of slots, so it needs form infill")
	}
	switch c.Reliability {
	case ReliabilitySkill, ReliabilityTargetProb, ReliabilityAccuracy:
		p.add("reliability", "%s knows the targets, and a mask made from it would tell them; control two_pass "+
			"takes confidence, "+
			"entropy or margin", c.Reliability)
	}
}

// measures says whether openness follows reliability.
func (c *Config) measures() bool { return controlOf(c.Control).goal != nil }

// FirstLook says whether plans need a look at the step's rows before their masks open.
func (c *Config) FirstLook() bool { return controlOf(c.Control).firstLook }

// Follows says whether openness follows what the run itself shows, so that nothing but the run can tell what it
// will be.
func (c *Config) Follows() bool { return c.measures() || c.FirstLook() }
