// Package textio reads UTF-8 text, from files and pipes, and JSON in it. Every command and every task reads text
// through it, by the same rules:
//
//   - A byte order mark at the beginning of UTF-8 is skipped.
//   - UTF-16, UTF-32, NUL bytes, archives and Git LFS pointers are refused by name.
//   - A byte that is not part of valid UTF-8 reads as U+FFFD. Remarks give their number and the line of the first.
//   - Text with more than one such byte in a thousand, and more of them than valid non-ASCII characters, has another
//     encoding, and is refused; so is any text with more than one in ten.
package textio
