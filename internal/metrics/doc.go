// Package metrics is what a run tells about itself: one JSON line a step for programs, and lines on
// the console for people.
//
// # Records
//
// metrics.jsonl has a Step for every optimiser step and an Eval for every evaluation, in the order they
// happened; "kind" tells them apart. Whatever depends on the clock is in "time", so two runs of one
// configuration are equal when that is left out. A number that is not finite is null.
//
//	log, err := metrics.OpenLog(run.Path(checkpoint.MetricsFile), state.MetricsBytes)
//	defer log.Close()
//	err = log.Write(&metrics.Step{Step: 1, Loss: 5.5, …, Time: meter.Step(tokens)})
//	err = log.Write(&metrics.Eval{Step: 1, ValidLoss: …})
//	state.MetricsBytes, err = log.Sync()            // before the checkpoint is saved
//
//	for record, err := range metrics.ReadFile(path) // record.Step, record.Eval or record.Test
//
// OpenLog cuts off what was written after the checkpoint, so that no step is there twice.
//
// # Console
//
//	c := metrics.NewConsole(metrics.ConsoleOptions{Out: os.Stderr, Width: metrics.TerminalWidth(os.Stderr), Steps: 400, Every: 10})
//	c.Step(&step); c.Eval(&eval)
//	c.Note("resumed at step %d", step); c.Warn("step %d skipped: …", step)
//	c.Summary(metrics.Summary{…})
//
// On a terminal the progress is one line that is written over; elsewhere it is a line every few steps.
//
// # Time and quality
//
// Meter measures elapsed time and tokens per second. Perplexity, BitsPerByte and Accuracy turn sums
// over tokens into what people compare.
package metrics
