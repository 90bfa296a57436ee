// Package compare trains variations of one configuration at equal tokens and says what their differences are worth.
//
// # Vocabulary
//
//   - arm: a named variation of the configuration, as "dropout:0.1": some settings laid over it.
//   - trial: an arm trained with one seed. It is an ordinary run, in DIRECTORY/arm/seed-N.
//   - paired: trials of two arms with one seed read the same text in the same order and start from the same
//     parameters. Differences are taken between them, seed by seed, so that what a seed does to all arms cancels.
//   - baseline: the arm that all others are compared with.
//   - interval: the mean's 95 % confidence interval over seeds by Student's t. It takes what it is made from for
//     independent draws from a normal distribution.
//   - yoked: an arm that replays the openness recorded by trials of another arm, each of them with the next seed (the
//     last one with the first seed). With the same seed it would be that trial again, bit for bit. With
//     another one its mask follows a course that adaptivity has shaped, but not this trial's own reliability:
//     what the adaptive arm has over it, adaptivity gave.
//
// # Equal tokens
//
// Steps, batch, text, tokenizer and evaluations are the configuration's for all arms; an arm that sets one of them
// is refused. Every evaluation is under the static mask. An arm's best validation loss is the lowest of its
// evaluations, so it is chosen on the text that it is measured on: for all arms alike. Where there is a test text
// (data.test, data.test_fraction) the verdict is about that: the validation text chooses a model, the test text
// measures it.
package compare
