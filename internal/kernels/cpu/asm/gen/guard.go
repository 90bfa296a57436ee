//go:build generate

package main

import (
	"fmt"
	"slices"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/reg"
)

// check refuses compiled code that a processor with no more than the set's extensions can't run. The allocator takes any of 32 vector
// registers, and the assembler encodes each: that the upper 16 and their 128- and 256-bit forms need AVX-512VL, neither says.
func (set instructionSet) check(file *ir.File) error {
	for _, f := range file.Functions() {
		for _, i := range f.Instructions() {
			if err := set.checkInstruction(i); err != nil {
				return fmt.Errorf("%s: %s: %w", f.Name, i.OpcodeWithSuffixes(), err)
			}
		}
	}
	return nil
}

func (set instructionSet) checkInstruction(i *ir.Instruction) error {
	for _, isa := range i.ISA {
		if !slices.Contains(set.extensions, isa) {
			return fmt.Errorf("needs %s, which %s does not promise", isa, set.suffix)
		}
	}
	for _, r := range i.Registers() {
		p := reg.ToPhysical(r)
		if p == nil {
			return fmt.Errorf("register %s was not allocated", r.Asm())
		}
		switch narrow := r.Size() < uint(4*set.lanes); {
		case p.Kind() == reg.KindVector && int(p.PhysicalIndex()) >= set.vectors:
			return fmt.Errorf("register %s: %s has %d vector registers", r.Asm(), set.suffix, set.vectors)
		case p.Kind() == reg.KindVector && narrow && p.PhysicalIndex() >= 16:
			return fmt.Errorf("register %s: only AVX512VL has it", r.Asm())
		case p.Kind() == reg.KindVector && r.Size() > uint(4*set.lanes):
			return fmt.Errorf("register %s is wider than %s's", r.Asm(), set.suffix)
		case p.Kind() == reg.KindOpmask && !slices.Contains(set.extensions, "AVX512F"):
			return fmt.Errorf("register %s: only AVX-512 has it", r.Asm())
		}
	}
	return nil
}
