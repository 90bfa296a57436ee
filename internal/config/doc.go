// Package config is the configuration of a run: one typed structure, its defaults, its validation and its YAML form.
//
// # Vocabulary
//
//   - key: a dotted path into the file, such as train.lr. A section is a key with further keys below it.
//   - setting: a key's value.
//   - file: a YAML text read strictly ([Parse]): an unknown key is refused with the nearest known one, and every
//     problem has a line.
//   - problem: one thing that a user must change, in the form "key: what is wrong, and what would be right".
//     [Check] finds all of them before any work starts.
//
// Flags and environment variables are not part of the package; package main combines them with the file.
package config
