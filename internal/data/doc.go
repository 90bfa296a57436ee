// Package data turns text into batches of tokens.
//
// # Vocabulary
//
//   - input: a file, or a generated text such as builtin:stories.
//   - document: a text of its own; no token of one document sees another. A file is one document, or several
//     separated by data.document_separator. White space alone is no document.
//   - corpus: the documents of some inputs as one stream of tokens. If the tokenizer marks documents, each one's
//     tokens stand between Begin and End; otherwise (the training text was a single document) the stream is the
//     bare text.
//   - split: a corpus's part for training or for validation.
//   - window: seq_len consecutive tokens of a stream, a row of a batch. It may begin and end inside documents and
//     hold several; Start and End of batch.Stream tell them apart.
//   - target: a token that its predecessor has to predict: every token of a document but the first.
//
// # From text to tokens
//
// Inputs are read twice, in pieces: once to survey them (are they text, how many documents, which characters) and
// once to encode them. The result is one tokens file: tokens of 2 or 4 bytes, document starts, the tokenizer, a
// checksum. That of a small text stays in memory. That of a large text is written to the cache and mapped, so that
// neither text nor tokens need room on the Go heap; later runs find it there by tokenizer, and by name and content
// (SHA-256) of every file. Links are followed.
//
// # From tokens to rows
//
// A Loader draws windows that start uniformly over the training stream, as nanoGPT does. A draw is a function of
// (seed, step, row) alone, so batches don't depend on micro-batches, workers or resumption. Corpus.Window walks a
// corpus for evaluation: consecutive windows, the last one padded, in which each target occurs exactly once.
package data
