// Package data turns text into batches of tokens.
//
// # Vocabulary
//
//   - source: where text comes from: a file, or a generated text such as builtin:stories.
//   - document: a stretch of text that is read on its own; no token of one document sees another. A file is
//     a document, or several where data.document_separator stands between them. What is only white space
//     is no document.
//   - corpus: the documents of some sources as one stream of tokens. Where the tokenizer marks documents,
//     each one's tokens stand between its Begin and End; where it doesn't (the training text was a single
//     document) the stream is the bare text.
//   - split: a corpus's part for training or for validation.
//   - window: seq_len consecutive tokens of a stream, which make a row of a batch. It may begin and end in the
//     middle of a document and hold several; Start and End of batch.Stream tell them apart.
//   - target: a token that its predecessor in the same document has to predict: every token but the first
//     of each document.
//
// # From text to tokens
//
// Sources are read twice, in pieces: once to survey them (are they text, how many documents, which
// characters), once to encode them. The result is one image: tokens of 2 or 4 bytes, document starts,
// the tokenizer, a checksum. A small text's image stays in memory; a large one's is written to the
// cache and mapped, so that neither text nor tokens need room on the Go heap, and found there the
// next time by tokenizer, and by name and content (SHA-256) of every file. Links are followed.
//
// # From tokens to rows
//
// A Loader draws windows that start uniformly over the training stream, as nanoGPT does. A draw is a function of
// (seed, step, row) alone, so batches don't depend on micro-batches, workers or resumption.
// Corpus.Window walks a corpus for evaluation: consecutive windows, the last one padded, in which each
// target stands exactly once.
package data
