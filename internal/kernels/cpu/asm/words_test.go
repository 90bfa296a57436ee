package asm

import (
	"encoding/binary"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/arch/arm64/arm64asm"
)

// Every word in the arm64 assembly is the instruction that its comment says.
func TestWordsAreWhatTheySay(t *testing.T) {
	text, err := os.ReadFile("neon_arm64.s")
	if err != nil {
		t.Fatal(err)
	}
	words, errs := checkWords(string(text))
	for _, err := range errs {
		t.Error(err)
	}
	if words == 0 {
		t.Error("no words found")
	}
}

func TestAWordThatIsAnotherInstructionIsFound(t *testing.T) {
	for name, line := range map[string]string{
		"register":    "WORD $0x4e20d401 // fadd v0.4s, v0.4s, v0.4s",
		"operation":   "WORD $0x4ea0d400 // fadd v0.4s, v0.4s, v0.4s",
		"lane":        "WORD $0x4f801000 // fmla v0.4s, v0.4s, v0.s[1]",
		"undefined":   "WORD $0x00000000 // fadd v0.4s, v0.4s, v0.4s",
		"no mnemonic": "WORD $0x4e20d400",
	} {
		if _, errs := checkWords("\t" + line + "\n"); len(errs) != 1 {
			t.Errorf("%s: %v, want one error", name, errs)
		}
	}
	if words, errs := checkWords("\tWORD $0x4e20d400 // fadd v0.4s, v0.4s, v0.4s\n"); words != 1 || errs != nil {
		t.Errorf("a right word: %v", errs)
	}
}

var wordLine = regexp.MustCompile(`^WORD \$0x([0-9a-f]{8}) // (.+)$`)

// checkWords decodes the words of a program and compares each with its comment.
func checkWords(text string) (words int, errs []error) {
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if !strings.Contains(line, "WORD") {
			continue
		}
		words++
		if err := checkWord(line); err != nil {
			errs = append(errs, fmt.Errorf("line %d: %q: %w", i+1, line, err))
		}
	}
	return words, errs
}

func checkWord(line string) error {
	parts := wordLine.FindStringSubmatch(line)
	if parts == nil {
		return fmt.Errorf("is no word with a mnemonic")
	}
	word, err := strconv.ParseUint(parts[1], 16, 32)
	if err != nil {
		return err
	}
	instruction, err := arm64asm.Decode(binary.LittleEndian.AppendUint32(nil, uint32(word)))
	if err != nil {
		return err
	}
	if got := arm64asm.GNUSyntax(instruction); got != parts[2] {
		return fmt.Errorf("decodes to %s", got)
	}
	return nil
}
