// Package model holds the Transformers as recorded graphs: their parameters' names and layouts, their initialisation,
// and the passes that training, evaluation and decoding replay.
package model
