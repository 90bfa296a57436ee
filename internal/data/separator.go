package data

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"dmtrain/internal/textio"
	"dmtrain/internal/tokenizer"
)

// unseparated warns of a separator that does not occur in the texts, and suggests which one may have been meant.
func unseparated(texts []input, separator string, documents int) (warning string, err error) {
	if separator == "" || documents > len(texts) {
		return "", nil
	}
	candidates := append([]string{separator}, meant(separator)...)
	counts := make([]int, len(candidates))
	files := 0
	for i := range texts {
		if texts[i].separator != "" { // an input with a separator of its own
			continue
		}
		files++
		if err := texts[i].count(candidates, counts); err != nil {
			return "", err
		}
	}
	if files == 0 || counts[0] > 0 {
		return "", nil
	}
	warning = fmt.Sprintf("data.document_separator, %q, stands nowhere in it: each file is one document", separator)
	for i, n := range counts {
		if n > 0 {
			return fmt.Sprintf("%s; %q, in double quotes, stands there %d times", warning, candidates[i], n), nil
		}
	}
	return warning, nil
}

// meant are separators that may have been meant: with escapes expanded, with other line ends, without outer white
// space.
func meant(separator string) []string {
	plain := strings.NewReplacer(`\r`, "\r", `\n`, "\n", `\t`, "\t", `\\`, `\`).Replace(separator)
	unix := strings.ReplaceAll(plain, "\r\n", "\n")
	all := []string{plain, unix, strings.ReplaceAll(unix, "\n", "\r\n")}
	if bare := strings.TrimSpace(plain); bare != "" {
		all = append(all, bare)
	}
	return all
}

// count adds the number of occurrences of each pattern in the input.
func (s *input) count(patterns []string, counts []int) error {
	f, err := s.reader()
	if err != nil {
		return bare(err)
	}
	defer f.Close()
	text := textio.NewReader(f)
	longest := 0
	for _, p := range patterns {
		longest = max(longest, len(p))
	}
	buf, kept := make([]byte, longest+readSize), 0
	for {
		n, err := io.ReadFull(text, buf[kept:])
		for i, p := range patterns { // the kept bytes are too few for an occurrence that was counted
			counts[i] += bytes.Count(buf[max(0, kept-len(p)+1):kept+n], []byte(p))
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return bare(err)
		}
		kept = copy(buf, buf[kept+n-min(kept+n, longest-1):kept+n])
	}
}

// endings warns of end-of-text spelled out in a text.
func endings(n int, separator string) string {
	if n == 0 || strings.Contains(separator, tokenizer.EndOfText) {
		return ""
	}
	return fmt.Sprintf("has %s written out %d times, which reads as ordinary text; data.document_separator: %q "+
		"ends documents there", tokenizer.EndOfText, n, tokenizer.EndOfText)
}
