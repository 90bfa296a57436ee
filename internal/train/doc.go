// Package train is the training loop: one step, evaluation, and the run that saves, resumes and reports.
//
// # Vocabulary
//
//   - step: one update of the parameters, from batch_size rows.
//   - micro-batch: the rows of one pass. A step of several gives the result of one big batch.
//   - supervised token: a position with a loss.
//   - session: a run being trained by this process, from its first step or from a checkpoint.
package train
