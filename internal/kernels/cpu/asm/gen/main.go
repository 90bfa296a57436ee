//go:build generate

// Command gen writes the assembly of package asm: the same kernels for two instruction sets, AVX2 with FMA and AVX-512.
//
//	gen -out DIR
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

func main() {
	// The flag package's own set is taken: avo registers its command line there.
	flags := flag.NewFlagSet("gen", flag.ExitOnError)
	out := flags.String("out", ".", "directory to write to")
	flags.Parse(os.Args[1:])
	for _, set := range []instructionSet{avx2, avx512} {
		if err := write(*out, set); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// write generates one instruction set's assembly and its Go declarations.
func write(dir string, set instructionSet) error {
	g := newGenerator(set)
	g.ConstraintExpr("amd64,!purego")
	g.kernels()
	file, err := g.Result()
	if err != nil {
		return fmt.Errorf("%s: %w", set.file, err)
	}
	if err := pass.Compile.Execute(file); err != nil {
		return fmt.Errorf("%s: %w", set.file, err)
	}
	cfg := printer.Config{Name: "go generate", Pkg: "asm"}
	if err := set.check(file); err != nil {
		return fmt.Errorf("%s: %w", set.file, err)
	}
	for name, p := range map[string]printer.Printer{
		set.file + "_amd64.s":  printer.NewGoAsm(cfg),
		set.file + "_amd64.go": printer.NewStubs(cfg),
	} {
		text, err := p.Print(file)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// kernels generates everything.
func (g *generator) kernels() {
	for width := 1; width <= maxStrip; width++ {
		g.gemm(width)
	}
	if !g.wide() { // 8 × 8 blocks need no wider registers
		g.transpose()
		g.dotRows()
	}
	g.addRows()
	g.add()
	g.scale()
	g.keep()
	g.gelu()
	g.geluBackward()
	g.layerNorm()
	g.layerNormBackward()
	g.softmaxStep()
	g.hideScores()
	g.scoreGradients()
	g.dot()
	g.sumSquares()
	g.columnSums()
	g.topTwo()
	g.expSum()
	g.adamW()
	g.dropFactors()
	g.edgeFactors()
}
