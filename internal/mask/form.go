package mask

// The forms: what the dynamic part does to a structure.
const (
	FormNone   = "none"   // nothing
	FormInput  = "input"  // hidden tokens are filled; attention and loss stay as they are
	FormInfill = "infill" // hidden tokens become slots, which predict themselves with look-ahead
)

// form is a row of the table of forms.
type form struct {
	name  string
	hides bool // tokens
	slots bool // hidden tokens become slots
	// rate is how often a token is hidden at openness u.
	rate func(c *Config, u float64) float64
}

// forms are all there are.
func forms() []form {
	return []form{
		{name: FormNone, rate: func(*Config, float64) float64 { return 0 }},
		{name: FormInput, hides: true, rate: inputRate},
		{name: FormInfill, hides: true, slots: true, rate: func(c *Config, _ float64) float64 { return c.Prob }},
	}
}

// inputRate falls with openness where a control moves it.
func inputRate(c *Config, u float64) float64 {
	if c.Control == ControlFixed {
		return c.Prob
	}
	open, closed := c.ProbRange[0], c.ProbRange[1]
	return closed - float64(u*(closed-open))
}

// formOf is the form of a name; that of a configuration with Problems may be none.
func formOf(name string) form { return named(forms(), name, func(f form) string { return f.name }) }

// Hides says whether tokens of the predicted stream are hidden in training.
func (c *Config) Hides() bool { return formOf(c.Form).hides }

// Slots says whether hidden tokens are slots, so that a model learns to fill blanks.
func (c *Config) Slots() bool { return formOf(c.Form).slots }

// named is the row of a table with a name; an empty one without.
func named[R any](table []R, name string, of func(R) string) (none R) {
	for _, r := range table {
		if of(r) == name {
			return r
		}
	}
	return none
}

// namesOf are those of a table's rows.
func namesOf[R any](table []R, of func(R) string) []string {
	names := make([]string, len(table))
	for i, r := range table {
		names[i] = of(r)
	}
	return names
}
