// Package textio reads what comes from outside as text: UTF-8, in files and in pipes, and JSON in it. Every command
// and both tasks read through it.
//
// The rule is one for all of them:
//
//   - A byte order mark at the head of UTF-8 is no text and is left out.
//   - UTF-16, UTF-32, NUL bytes, archives and pointers to a file that was never fetched are refused by name.
//   - A byte that is no part of valid UTF-8 reads as U+FFFD, whatever cuts the text into tokens. The first is remarked with its line, and
//     all are counted.
//   - Text with more than one such byte in a thousand, and more of them than of valid characters beyond ASCII, is written in another
//     encoding, and is refused; so is any with more than one in ten.
package textio
