// Package metrics records runs, as one JSON line a step for programs and as lines on the console for people, and
// computes measures of quality.
//
// # Records
//
// metrics.jsonl has a Step for every optimiser step and an Eval for every evaluation, in order; "kind" distinguishes
// them. All that depends on the clock is in "time"; two runs of one configuration differ in nothing else. A number that
// is not finite is null.
//
//	log, err := metrics.OpenLog(run.Path(checkpoint.MetricsFile), state.MetricsBytes)
//	defer log.Close()
//	err = log.Write(&metrics.Step{Step: 1, Loss: 5.5, …, Time: meter.Step(tokens)})
//	err = log.Write(&metrics.Eval{Step: 1, ValidLoss: …})
//	state.MetricsBytes, err = log.Sync()            // before the checkpoint is saved
//
//	for record, err := range metrics.ReadFile(path) // record.Step, record.Eval or record.Test
//
// OpenLog truncates the log to its length at the checkpoint, so that no step is recorded twice.
//
// # Console
//
//	c := metrics.NewConsole(metrics.ConsoleOptions{
//		Out:   os.Stderr,
//		Width: metrics.TerminalWidth(os.Stderr),
//		Steps: 400,
//		Every: 10,
//	})
//	c.Step(&step); c.Eval(&eval)
//	c.Note("resumed at step %d", step); c.Warn("step %d skipped: …", step)
//	c.Summary(metrics.Summary{…})
//
// On a terminal, progress is one line that is overwritten; elsewhere it is a line every few steps.
//
// # Time and quality
//
// Meter measures elapsed time and tokens per second. Perplexity, BitsPerByte and Accuracy are computed from sums over
// tokens.
package metrics
