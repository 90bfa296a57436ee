package compare

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"dmtrain/internal/mask"
)

// Arm is a named variation of a configuration.
type Arm struct {
	Name     string
	Settings []Setting // applied to the configuration, in order
	Yoked    string    // the arm whose settings it has and whose openness it replays; usually empty
}

// Setting is a key of the configuration and its value as YAML.
type Setting struct{ Key, Value string }

// DefaultArms are the static mask, its alternatives (dropout, hidden inputs), and infill under every control of
// openness.
const DefaultArms = "static,dropout:0.1,input:0.15,linear,infill,adaptive,inverse,yoked"

// Ready is a predefined arm.
type Ready struct {
	Name, About string
	value       string // key of the value after the colon; empty: no value
	settings    []Setting
}

// ReadyArms are the arms known by name. Each differs from static in one thing, so dropout is 0 in all but dropout:P.
func ReadyArms() []Ready {
	form := func(form, control string, more ...Setting) []Setting {
		return append([]Setting{{"mask.form", form}, {"mask.control", control}, {"model.dropout", "0"}}, more...)
	}
	infill := func(control string, more ...Setting) []Setting { return form(mask.FormInfill, control, more...) }
	return []Ready{
		{Name: "static", About: "the static mask", settings: form(mask.FormNone, mask.ControlFixed)},
		{
			Name:     "dropout:P",
			About:    "the static mask with dropout",
			value:    "model.dropout",
			settings: form(mask.FormNone, mask.ControlFixed),
		},
		{
			Name:     "input:P",
			About:    "tokens hidden from everyone, in every row",
			value:    "mask.prob",
			settings: form(mask.FormInput, mask.ControlFixed, Setting{"mask.anchors", "0"}),
		},
		{
			Name:     "infill",
			About:    "infill, fully open from the first step",
			settings: infill(mask.ControlFixed, Setting{"mask.openness", "1"}),
		},
		{Name: "linear", About: "infill, opened by a schedule", settings: infill(mask.ControlLinear)},
		{Name: "adaptive", About: "infill, opened by reliability", settings: infill(mask.ControlAdaptive)},
		{Name: "inverse", About: "infill, closed by reliability", settings: infill(mask.ControlInverse)},
		{
			Name:     "two_pass",
			About:    "infill, each blank opened by its own confidence",
			settings: infill(mask.ControlTwoPass, Setting{"mask.reliability", mask.ReliabilityConfidence}),
		},
		{Name: "yoked:ARM", About: "the openness of that arm's next seed, replayed (ARM may be left out for adaptive)"},
	}
}

// stem is the part of the name before the colon.
func (r Ready) stem() string {
	stem, _, _ := strings.Cut(r.Name, ":")
	return stem
}

// defaultYoke is the arm whose openness "yoked" replays.
const defaultYoke = "adaptive"

// ParseArms parses a list of arms, "static,dropout:0.1,wide:adaptive;mask.max_window=32". Commas inside brackets are
// part of a value.
func ParseArms(list string) ([]Arm, error) {
	var arms []Arm
	for _, text := range splitList(list) {
		if strings.TrimSpace(text) == "" {
			continue
		}
		a, err := parseArm(strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		arms = append(arms, a)
	}
	if len(arms) == 0 {
		return nil, fmt.Errorf("names no arm; %s", known())
	}
	return arms, nil
}

// splitList cuts at the commas outside brackets.
func splitList(list string) []string {
	depth := 0
	return strings.FieldsFunc(list, func(r rune) bool {
		switch r {
		case '[':
			depth++
		case ']':
			depth--
		}
		return r == ',' && depth <= 0
	})
}

func parseArm(text string) (Arm, error) {
	a, found, err := readyArm(text)
	if found || err != nil {
		a.Name = text
		return a, err
	}
	return ownArm(text)
}

// readyArm is the predefined arm that text names, if it names one.
func readyArm(text string) (a Arm, found bool, err error) {
	stem, value, given := strings.Cut(text, ":")
	for _, r := range ReadyArms() {
		if r.stem() != stem {
			continue
		}
		switch {
		case stem == "yoked":
			if !given {
				value = defaultYoke
			}
			return Arm{Yoked: value}, true, nil
		case r.value == "" && given:
			return a, true, fmt.Errorf("%q: %s is ready-made and takes nothing; an arm of your own needs a name "+
				"of its own", text, stem)
		case r.value != "" && value == "":
			return a, true, fmt.Errorf("%q: lacks its value: %s", text, r.Name)
		}
		a.Settings = r.settings
		if given {
			a.Settings = append(a.Settings[:len(a.Settings):len(a.Settings)], Setting{r.value, value})
		}
		return a, true, nil
	}
	return a, false, nil
}

var ownName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]*$`)

// ownArm is NAME:part;part…, where a part is a ready-made arm or key=value.
func ownArm(text string) (Arm, error) {
	name, parts, given := strings.Cut(text, ":")
	a := Arm{Name: name}
	if !given {
		return a, fmt.Errorf("%q is not an arm; %s", text, known())
	}
	if !ownName.MatchString(name) {
		return a, fmt.Errorf("%q: %q can't name an arm: letters, digits, dot, dash, underscore and plus can",
			text, name)
	}
	for part := range strings.SplitSeq(parts, ";") {
		if err := a.add(strings.TrimSpace(part)); err != nil {
			return a, fmt.Errorf("%q: %w; %s", text, err, known())
		}
	}
	return a, nil
}

func (a *Arm) add(part string) error {
	if key, value, ok := strings.Cut(part, "="); ok {
		a.Settings = append(a.Settings, Setting{strings.TrimSpace(key), strings.TrimSpace(value)})
		return nil
	}
	ready, found, err := readyArm(part)
	switch {
	case err != nil:
		return err
	case !found:
		return fmt.Errorf("%q is neither key=value nor a ready-made arm", part)
	case ready.Yoked != "" && a.Yoked != "":
		return errors.New("it is yoked twice")
	}
	a.Settings = append(a.Settings, ready.Settings...)
	a.Yoked += ready.Yoked
	return nil
}

// known lists the predefined arms.
func known() string {
	var names []string
	for _, r := range ReadyArms() {
		names = append(names, r.Name)
	}
	return "ready-made are " + strings.Join(names, ", ") + "; your own are NAME:key=value;key=value"
}

// dir is the name of the arm's directory.
func (a Arm) dir() string { return strings.NewReplacer(":", "-", "/", "-", `\`, "-").Replace(a.Name) }
