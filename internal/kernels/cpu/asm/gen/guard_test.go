//go:build generate

package main

import (
	"strings"
	"testing"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/reg"
)

// The check refuses each planted instruction, and says why.
func TestCheckRefusesWhatTheSetLacks(t *testing.T) {
	for _, c := range []struct {
		name string
		set  instructionSet
		code func(g *generator)
		want string // in the error; "" where there is none
	}{
		{"Y15", avx2, func(g *generator) { g.VADDPS(reg.Y15, reg.Y1, reg.Y2) }, ""},
		{"Y16", avx2, func(g *generator) { g.VADDPS(reg.Y16, reg.Y1, reg.Y2) }, "AVX2"},
		{"Z1 in AVX2", avx2, func(g *generator) { g.VADDPS(reg.Z0, reg.Z1, reg.Z2) }, "AVX512F"},
		{"K1 in AVX2", avx2, func(g *generator) { g.KMOVW(reg.ECX, reg.K1) }, "AVX512F"},
		{"half precision", avx2, func(g *generator) { g.VCVTPH2PS(reg.X1, reg.Y2) }, "F16C"},
		{"Z31", avx512, func(g *generator) { g.VADDPS(reg.Z31, reg.Z1, reg.Z2) }, ""},
		{"Y16 in AVX-512", avx512, func(g *generator) { g.VADDPS(reg.Y16, reg.Y1, reg.Y2) }, "AVX512VL"},
		{"VNNI", avx512, func(g *generator) { // avo has no function for it
			operands := []operand.Op{reg.Z1, reg.Z2, reg.Z3}
			g.Instruction(&ir.Instruction{Opcode: "VPDPBUSD", ISA: []string{"AVX512_VNNI"}, Operands: operands, Inputs: operands, Outputs: operands[2:]})
		}, "AVX512_VNNI"},
		{"bytes from a mask", avx512, func(g *generator) { g.VPMOVM2B(reg.K1, reg.Z2) }, "AVX512BW"},
		{"more registers than there are", avx2, func(g *generator) {
			sums := g.vecs(16)
			for _, v := range sums {
				g.zero(v)
			}
			mask := g.vec()
			g.load(operand.Mem{Base: reg.RAX}, mask)
			for _, v := range sums {
				g.VFMADD231PS(mask, v, v)
			}
		}, "AVX2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGenerator(c.set)
			g.function("Planted", "func()", "is a test's.")
			c.code(g)
			g.end()
			file, err := g.Result()
			if err != nil {
				t.Fatal(err)
			}
			if err := pass.Compile.Execute(file); err != nil {
				t.Fatal(err)
			}
			err = c.set.check(file)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}
