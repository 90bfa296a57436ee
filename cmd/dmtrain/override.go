package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"dmtrain/internal/config"
)

// override is one setting from the command line.
type override struct{ origin, key, value string }

// overrides are the settings of --set and --device, later ones overriding earlier ones.
func (l *layers) overrides() []override {
	var list []override
	for _, arg := range l.set {
		key, value, _ := strings.Cut(arg, "=")
		list = append(list, override{"--set", strings.TrimSpace(key), value})
	}
	if l.device != "" {
		list = append(list, override{"--device", "device", l.device})
	}
	return list
}

func (o override) unknown() config.Problem {
	p := config.Unknown(o.key)
	p.Origin = o.origin
	return p
}

// envPrefix is the prefix of settings' environment variables: DMTRAIN_TRAIN_STEPS is train.steps.
const envPrefix = "DMTRAIN_"

// envName is the environment variable of a key.
func envName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// environment finds the settings that environment variables make, by key, and problems with variables that look like
// settings: those named after a section, or almost like a setting. It ignores other variables with the prefix.
func environment(environ []string) (origins map[string]string, problems []config.Problem) {
	variables := map[string]string{} // keys by variable
	for _, key := range config.Keys() {
		variables[envName(key)] = key
	}
	known := slices.Sorted(maps.Keys(variables))
	origins = map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || value == "" {
			continue
		}
		if key := variables[name]; key != "" {
			origins[key] = name
			continue
		}
		near := func(v string) int { return levenshtein.ComputeDistance(v, name) }
		best := slices.MinFunc(known, func(a, b string) int { return near(a) - near(b) })
		switch {
		case isSection(name):
			problems = append(problems,
				config.Problem{Origin: name, Text: "is a section; its settings have variables of their own, as " +
					firstOf(known, name)})
		case near(best) <= 2 && inSection(name) || near(best) == 1:
			problems = append(problems,
				config.Problem{Origin: name, Text: "no setting has this environment variable; did you mean " + best +
					"? Otherwise unset it"})
		case inSection(name):
			problems = append(problems,
				config.Problem{Origin: name, Text: "no setting has this environment variable: correct or unset it"})
		}
	}
	return origins, problems
}

// isSection says whether a variable is named like a section.
func isSection(name string) bool {
	return slices.ContainsFunc(config.Sections(), func(s string) bool { return name == envName(s) })
}

// firstOf is the first variable of a section.
func firstOf(known []string, section string) string {
	return known[slices.IndexFunc(known, func(k string) bool { return strings.HasPrefix(k, section+"_") })]
}

// inSection says whether a variable is named like a setting of a section, or like a section.
func inSection(name string) bool {
	return slices.ContainsFunc(config.Sections(),
		func(s string) bool { return strings.HasPrefix(name+"_", envName(s)+"_") })
}
