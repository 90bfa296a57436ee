// Package graph records a model once per batch shape, plans its memory, and replays it every step.
//
// It is neither an eager chain of calls nor a framework's autograd. A model's Record method calls the operations of a
// Graph; each appends one node to a list. Compile walks the list once: it derives the backward pass, gives every value
// and gradient an address in one arena by its lifetime, and returns a Program. From then on a step
// allocates nothing and every address is fixed, so that a GPU can capture the step.
//
// # Rules
//
//   - Time runs through the nodes forwards, then backwards. A cell of memory lives from its first to its last use.
//   - The gradient of an activation is assigned by the first consumer to run backwards and added to by the others; gradients
//     of parameters always accumulate, and Params.ZeroGrad clears them.
//   - An operation whose result is a sum hands its gradient on to the addend without copying, where it is the first to
//     do so: by then nobody else reads it.
//   - Each operation is one file, its forward and backward side by side.
package graph
