package config

import (
	"fmt"
	"regexp"

	"go.yaml.in/yaml/v3"

	"dmtrain/internal/textio"
)

// likeNumber is a text that was meant for a number.
var likeNumber = regexp.MustCompile(`^[-+.]*[0-9]`)

// plainly adds how numbers are written to what a value should be, where a text was meant for one.
func plainly(from any, want string) string {
	if text, ok := from.(string); ok && likeNumber.MatchString(text) && !textio.IsDecimal(text) {
		return want + " in plain decimals (no leading zeros, 0x, 0o or _)"
	}
	return want
}

// spelled makes texts of what YAML would resolve to a number that is not decimal, or to a time.
func spelled(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		switch tag := n.ShortTag(); {
		case (tag == "!!int" || tag == "!!float") && !textio.IsDecimal(n.Value), tag == "!!timestamp":
			n.Tag = "!!str"
		}
	}
	for _, c := range n.Content {
		spelled(c)
	}
}

// parseValue is the value that a text spells in YAML; nil for none.
func parseValue(text string) (x any, err error) {
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(text), &n); err != nil || n.Kind == 0 {
		return nil, err
	}
	spelled(&n)
	if err := n.Decode(&x); err != nil {
		return nil, fmt.Errorf("not YAML: %w", err)
	}
	return x, nil
}
