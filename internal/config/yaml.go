package config

import (
	"bytes"
	"reflect"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// YAML is c as a complete file, every key spelled out, headed by a comment. [Parse] and [File.Config] give back
// exactly c.
func (c Config) YAML(comment string) []byte {
	var b bytes.Buffer
	if comment != "" {
		b.WriteString("# " + strings.ReplaceAll(comment, "\n", "\n# ") + "\n")
	}
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(node(reflect.ValueOf(c))); err != nil {
		panic("config: " + err.Error()) // only settings of kinds that YAML has stand in Config
	}
	return b.Bytes()
}

// node is a setting or section as YAML: a section is a mapping in the order of its fields, a list stands on one line.
func node(v reflect.Value) *yaml.Node {
	switch v.Kind() {
	case reflect.Struct:
		m := &yaml.Node{Kind: yaml.MappingNode}
		for _, f := range reflect.VisibleFields(v.Type()) {
			m.Content = append(m.Content, text(f.Tag.Get(tag)), node(v.FieldByIndex(f.Index)))
		}
		return m
	case reflect.Slice, reflect.Array:
		l := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		for i := range v.Len() {
			l.Content = append(l.Content, node(v.Index(i)))
		}
		return l
	case reflect.String:
		return text(v.String())
	}
	n := &yaml.Node{}
	if err := n.Encode(v.Interface()); err != nil {
		panic("config: " + err.Error())
	}
	return n
}

// text is a string in the plainest style that reads back as itself.
func text(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		n.Style = yaml.DoubleQuotedStyle // YAML's block styles do not keep every leading or trailing blank line
	}
	return n
}
