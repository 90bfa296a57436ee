// Package canary is the proof of masks that looks at losses alone. It writes random text whose entropy it knows,
// trains a small model on it under the masks of a configuration, by the way that every run takes from files to
// losses, and compares each loss with the least that can be expected of a predictor that knows all that its
// position may know. A loss below that by more than chance is a leak, wherever it is.
//
// The least is known token by token: −ln p of the token, given what the position may know. The mean of a loss minus
// its bound is a divergence, so 0 or more for every class of predictions that is chosen by what the position may
// know; most of the chance that is in the text falls out of the difference. Classes chosen by the answer (a
// document's ends, say) are told, but prove nothing.
package canary
