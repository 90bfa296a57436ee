// Package train is the training loop: one step, evaluation, and the run around them that saves, resumes and reports.
//
// # Vocabulary
//
//   - step: one update of the parameters, from batch_size rows.
//   - micro-batch: the rows of one pass; a step has as many as it needs, and its result is that of one big batch.
//   - supervised token: a position that bears a loss.
//   - session: a run being trained by this process, from its first step or from a checkpoint.
package train
