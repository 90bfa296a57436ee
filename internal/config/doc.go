// Package config is everything a run is told: one typed structure, its defaults, what may stand in it, and its
// YAML form.
//
// # Vocabulary
//
//   - key: a dotted path into the file, as train.lr. A section is a key that holds further keys.
//   - setting: a key's value.
//   - file: a YAML text read strictly ([Parse]): unknown keys are refused with the nearest known one, and every
//     complaint has a line.
//   - problem: one thing a user must change, in the form "key: what is wrong, and what would be right".
//     All of them are found before any work starts ([Config.Validate]).
//
// The package knows nothing of flags, environment variables or where a file comes from; package main lays those
// over one another.
package config
