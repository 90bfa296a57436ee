// Package graph records a model once per batch shape, plans its memory, and replays it every step.
//
// It is neither an eager chain of calls nor a framework's autograd. A model's Record method calls the operations of
// a Graph; each appends one node to a list. Compile walks the list once: it derives the backward pass, gives every
// value and gradient an address in one arena by its lifetime, and returns a Program. From then on a step allocates
// nothing and every address is fixed. What changes from step to step is in buffers, never in a call's numbers. So a
// backend that is a kernels.Capturer captures a program's calls, forwards and backwards, the second time they are
// made.
//
// # Rules
//
//   - Time runs through the nodes forwards, then backwards. A cell of memory lives from its first to its last use.
//   - The gradient of an activation is assigned by the first consumer to run backwards and added to by the others; gradients
//     of parameters always accumulate, and Params.ZeroGrad clears them.
//   - An operation whose result is a sum hands its gradient on to the addend without copying, where it is the first to
//     do so: by then nobody else reads it.
//   - Each operation is one file, its forward and backward side by side.
//
// # Precision
//
// What a pass computes in is the type its parameters were made with (NewParams), and nothing else says so: an
// embedding's rows have their table's type, every other activation that of what it is computed from, and a gradient
// of an activation that of the activation. With BFloat16
//
//   - bfloat16 are: activations with their gradients, the logits among them; the copy of the parameters that passes read;
//     key–value caches; constants such as sinusoids;
//   - float32 stay: the parameters themselves, which the optimiser moves and checkpoints keep, their gradients and moments; statistics of rows
//     (mean, rstd, log-sum-exp) and what the loss says of tokens. All kernels sum in float32.
//
// The copy is rounded, to nearest even, wherever parameters change: by Params.Set and Params.Round, and by the
// optimiser in the same pass over memory. So it is a function of the parameters, and a checkpoint needs no more
// than those.
package graph
