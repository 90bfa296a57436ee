// Package compare trains variations of one configuration at equal tokens and tests their differences for significance.
//
// # Vocabulary
//
//   - arm: a named variation of the configuration, such as "dropout:0.1": settings applied to it.
//   - run: an arm trained with one seed, an ordinary run in DIRECTORY/arm/seed-N. (JSON calls them trials.)
//   - paired: runs of two arms with one seed read the same text in the same order and start from the same
//     parameters. Differences are taken between them, seed by seed, so that a seed's effect on all arms cancels.
//   - baseline: the arm that all others are compared with.
//   - interval: the mean's 95 % confidence interval over seeds by Student's t, which assumes independent draws from a
//     normal distribution.
//   - yoked: an arm whose runs replay the openness of another arm's runs, each that of the next seed (the last one that
//     of the first). With the same seed it would be the same run again, bit for bit. With another seed, its mask
//     follows a course that some run's reliability has shaped, but not its own: a difference between the two arms is
//     the effect of adaptivity.
//
// # Equal tokens
//
// Steps, batch, text, tokenizer and evaluations are the same for all arms; an arm that sets one of them is refused.
// Every evaluation is under the static mask. An arm's best validation loss is the lowest of its evaluations, so it is
// chosen on the text that it is measured on, for all arms alike. If there is a test text (data.test,
// data.test_fraction), the verdict is about that: the validation text chooses a model, the test text measures it.
package compare
