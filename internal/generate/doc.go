// Package generate decodes: it turns a model's logits into text.
//
// Texts are rows of a model's cache, some beams for each source; without an encoder a source is but a number. What each
// position sees is asked of the planner.
//
// # Vocabulary
//
//   - causal: one token after the other, each seeing all before it; with beams, the most probable texts.
//   - parallel: a block of slots after the text is predicted at once; reliable predictions are accepted and become
//     visible, the others are predicted again. It is the training rule of moving masks, at inference.
//   - infill: the same inside a text, for blanks, which see both sides.
//   - round: one pass of the model. A causal sample needs one a token.
package generate
