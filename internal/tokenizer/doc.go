// Package tokenizer turns text into token ids and back.
//
// # Vocabulary
//
//   - token: an id in 0 … Vocab−1. The model knows nothing else of a text.
//   - kind: how text is cut. "byte": ids 0–255 are the bytes themselves. "char": the characters of the
//     training text, in code point order.
//   - special token: an id that no text encodes to, so that no text can forge one. Specials come after the
//     ordinary tokens. They decode to nothing.
//   - end-of-text: the special <|endoftext|>, which as in GPT-2 both begins and ends a document. A text of
//     one document is a bare stream: there nothing begins or ends, and the specials have no role.
//   - unknown: a character that the vocabulary lacks. It is left out of the ids and counted, so that a
//     score says over how much of the text it was taken.
//
// A tokenizer is saved beside a model as Hugging Face's tokenizer.json and tokenizer_config.json: bytes and
// characters are byte pair encodings without merges. The configuration also holds our kind and version, which
// Hugging Face's readers pass over.
//
// Files that others wrote are read where they cut text as "bpe" does: byte-level pairs, cut as GPT-2 cuts, with
// end-of-text the only added token, under any id. Every section that asks for something else is refused by its
// name.
package tokenizer
