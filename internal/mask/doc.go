// Package mask decides what each position may see, proves that no output sees its own answer, and moves the
// mask as the model learns. It knows nothing of tensors or kernels: kernels see only the integers made here.
//
// # Vocabulary
//
//   - visible: query i may attend to key j. The word "mask" never stands for a boolean here, because half the field
//     means visible by it and half means hidden.
//   - hidden: a token whose embedding is filled (with 0 or a learned vector) before positions are added.
//   - slot: a hidden position that no one attends to (pos = Inf). It predicts its own token and may look ahead.
//   - structure: the static mask (causal, window, …). Form: what the dynamic part does to it (none, input, infill).
//   - openness u: 0 is the static mask, 1 fully open. A controller moves it.
//   - window w: how far past its own position a slot sees.
//   - anchor row: a row kept under the static mask, on which alone reliability is measured.
//   - source: a stream that the predicted one reads besides itself; an encoder reads it. Cross: what a position sees
//     of it.
//   - plan: the masks of every stream, hide rates and targets of one (micro-)batch: a pure function of seed, rows, step
//     and controller state.
//   - certificate: the O(T+S) check that a plan leaks no answer, and nothing unread of a source, through any number of
//     layers.
//   - reach: the contents an output can depend on after L layers, computed exactly.
//
// # A training step
//
//	planner, err := NewPlanner(cfg, seed, run)   // run: what masks must know of the run (Run)
//	ctl, err := NewController(cfg, run)          // Restore(state) continues a checkpoint, Snapshot() makes one
//	stats := ctl.NewStats()
//
//	stats.Begin(step)
//	for each micro-batch, in the order of its rows:
//		planner.Plan(&plan, rows, step, ctl.At(step))   // two_pass: PlanFirst, forward, then PlanTwoPass
//		err := plan.Certify()                           // *Leak: row, position, path
//		… forward, backward …
//		stats.Add(&plan, rows, outputs)
//	… optimiser step; if the loss was finite:
//	ctl.Observe(stats)
//	on steps that are logged: stats.Measure(&plan, tileQ, tileS) for each micro-batch, then ctl.Record(&record, stats)
//
// Evaluation plans with PlanStatic (the static mask) and PlanInfill (blanks at a given rate); generation with
// PlanSlots (slots of one's own choice). The bernoulli kernel needs the seed, Plan.Step, Plan.First and Plan.Rate
// to draw the very bits that stand in Plan.Hidden.
//
// # Looking into a plan
//
// Certify is the O(T+S) proof; Leaks the exact closure for a number of layers, with the path an answer takes; Probe
// the experiment on a real model, which needs nothing but a function from tokens to logits under the plan. Text and
// PNG draw a row. Tiles says what attention may skip. Mask.Visible is the oracle for all of them.
package mask
