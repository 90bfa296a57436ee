//go:build generate

package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// instructionSet is what differs between the two.
type instructionSet struct {
	suffix string // of function names
	file   string
	lanes  int // float32 in a register
	// extensions are what the CPUID guard of the set promises (simdPaths), by avo's names; vectors is the number of vector
	// registers they address.
	extensions []string
	vectors    int
	// rows is how many rows of C a matrix product keeps in registers, at the most and for rests, by the strip's width.
	// At two additions
	// a cycle, each of which takes four, eight sums are the least that keep a core busy.
	rows [maxStrip + 1][]int
}

var (
	avx2 = instructionSet{
		suffix: "AVX2", file: "avx2", lanes: 8,
		rows:       [maxStrip + 1][]int{1: {8, 4, 2, 1}, 2: {6, 4, 2, 1}, 3: {4, 2, 1}},
		extensions: []string{"MMX+", "SSE", "SSE2", "AVX", "AVX2", "FMA3", "BMI2"}, vectors: 16,
	}
	avx512 = instructionSet{
		suffix: "AVX512", file: "avx512", lanes: 16,
		rows:       [maxStrip + 1][]int{1: {8, 4, 2, 1}, 2: {8, 4, 2, 1}, 3: {8, 4, 2, 1}},
		extensions: []string{"MMX+", "SSE", "SSE2", "AVX", "AVX2", "FMA3", "BMI2", "AVX512F", "AVX512DQ"}, vectors: 32,
	}
)

// generator emits one instruction set's code. Vectors are whole registers; the last, partial one of an array is read and
// written under the tail mask.
type generator struct {
	*build.Context
	instructionSet
	tail      reg.Register // the tail mask: a K register, or lanes of all ones
	tailSlot  *operand.Mem // AVX2: the tail mask on the stack, where no register is left for it
	odd       reg.Register // AVX-512: a K register of the odd lanes, where philox is prepared
	tailWords *operand.Mem // AVX2: where tail masks are cut from
	labels    int
	constants map[uint32]operand.Mem
	registers map[uint32]reg.VecVirtual // constants the current function holds
}

func newGenerator(set instructionSet) *generator {
	return &generator{Context: build.NewContext(), instructionSet: set, constants: map[uint32]operand.Mem{}}
}

func (g *generator) wide() bool { return g.lanes == 16 }

// bytes is the size of a vector register.
func (g *generator) bytes() int { return 4 * g.lanes }

// function begins a function. Everything it knows of the caller is its parameters.
func (g *generator) function(name, signature string, doc ...string) {
	g.Function(name + g.suffix)
	g.Attributes(attr.NOSPLIT)
	g.SignatureExpr(signature)
	g.Pragma("noescape")
	g.Doc(append([]string{name + g.suffix + " " + doc[0]}, doc[1:]...)...)
	g.tail, g.tailSlot = nil, nil
	g.registers = map[uint32]reg.VecVirtual{}
}

// end returns. Without VZEROUPPER the Go code after it would pay for mixing old and new encodings.
func (g *generator) end() {
	g.VZEROUPPER()
	g.RET()
}

// label makes a name that is unique in the file.
func (g *generator) label(name string) string {
	g.labels++
	return fmt.Sprintf("%s%d", name, g.labels)
}

// vec is a new vector register.
func (g *generator) vec() reg.VecVirtual {
	if g.wide() {
		return g.ZMM()
	}
	return g.YMM()
}

func (g *generator) vecs(n int) []reg.VecVirtual {
	v := make([]reg.VecVirtual, n)
	for i := range v {
		v[i] = g.vec()
	}
	return v
}

// pointer loads a slice parameter's base, number an int parameter.
func (g *generator) pointer(param string) reg.GPVirtual {
	r := g.GP64()
	g.Load(g.Param(param).Base(), r)
	return r
}

func (g *generator) length(param string) reg.GPVirtual {
	r := g.GP64()
	g.Load(g.Param(param).Len(), r)
	return r
}

func (g *generator) number(param string) reg.GPVirtual {
	r := g.GP64()
	g.Load(g.Param(param), r)
	return r
}

// stride loads an int parameter that counts float32 and turns it into bytes.
func (g *generator) stride(param string) reg.GPVirtual {
	r := g.number(param)
	g.SHLQ(operand.U8(2), r)
	return r
}

// triple is three times a stride, for rowOf.
func (g *generator) triple(stride reg.GPVirtual) reg.GPVirtual {
	r := g.GP64()
	g.LEAQ(operand.Mem{Base: stride, Index: stride, Scale: 2}, r)
	return r
}

func (g *generator) copyOf(r reg.GPVirtual) reg.GPVirtual {
	c := g.GP64()
	g.MOVQ(r, c)
	return c
}

// rowOf addresses row r (0 … 3) after base.
func rowOf(base, stride, stride3 reg.Register, r int) operand.Mem {
	switch r {
	case 0:
		return operand.Mem{Base: base}
	case 3:
		return operand.Mem{Base: base, Index: stride3, Scale: 1}
	}
	return operand.Mem{Base: base, Index: stride, Scale: uint8(r)}
}

// vector is x in every lane, as an operand: held in a register from its first use in a function on where there are 32 of
// them, else read from memory. A constant first used inside a loop would be loaded inside the loop, so loops name theirs
// before they begin.
func (g *generator) vector(x float32) operand.Op { return g.words(math.Float32bits(x)) }

func (g *generator) words(bits uint32) operand.Op {
	if !g.wide() {
		return g.memory(bits)
	}
	v, ok := g.registers[bits]
	if !ok {
		v = g.vec()
		g.VBROADCASTSS(g.memory(bits), v)
		g.registers[bits] = v
	}
	return v
}

// inRegister is x in every lane of a register, for operands that can't be memory.
func (g *generator) inRegister(x float32) reg.Register {
	if v, ok := g.vector(x).(reg.Register); ok {
		return v
	}
	v := g.vec()
	g.VMOVUPS(g.vector(x), v)
	return v
}

// memory is a constant in read-only memory: a whole vector for AVX2, one word to broadcast for AVX-512.
func (g *generator) memory(bits uint32) operand.Mem {
	m, ok := g.constants[bits]
	if !ok {
		copies := g.lanes
		if g.wide() {
			copies = 1
		}
		m = g.StaticGlobal(fmt.Sprintf("%s_%08x", g.file, bits))
		g.DataAttributes(attr.RODATA | attr.NOPTR)
		for i := range copies {
			g.AddDatum(4*i, operand.U32(bits))
		}
		g.constants[bits] = m
	}
	return m
}

// zero clears v.
func (g *generator) zero(v reg.VecVirtual) { g.VXORPS(v, v, v) }

// setTail makes the tail mask for the last count elements, 1 … lanes.
func (g *generator) setTail(count reg.GPVirtual) {
	if g.wide() {
		// BZHI keeps the lowest count bits of all ones.
		bits := g.GP64()
		g.MOVQ(operand.I32(-1), bits)
		g.BZHIQ(count, bits, bits)
		k := g.K()
		g.KMOVW(bits.As32(), k)
		g.tail = k
		return
	}
	if g.tailWords == nil {
		// Eight ones and eight zeros; a mask begins 8−count words into them.
		words := g.StaticGlobal("avx2_tail")
		g.DataAttributes(attr.RODATA | attr.NOPTR)
		for i := range 2 * g.lanes {
			word := uint32(0)
			if i < g.lanes {
				word = math.MaxUint32
			}
			g.AddDatum(4*i, operand.U32(word))
		}
		g.tailWords = &words
	}
	at, base := g.GP64(), g.GP64()
	g.MOVQ(operand.I32(8), at)
	g.SUBQ(count, at)
	g.LEAQ(*g.tailWords, base)
	mask := g.YMM()
	g.VMOVUPS(operand.Mem{Base: base, Index: at, Scale: 4}, mask)
	g.tail = mask
}

// spillTail moves the tail mask to the stack, for functions that need every register. Each masked load and store then takes it into
// a register of its own.
func (g *generator) spillTail() {
	slot := g.AllocLocal(g.bytes())
	g.VMOVUPS(g.tail, slot)
	g.tail, g.tailSlot = nil, &slot
}

// tailMask is a register that holds the tail mask.
func (g *generator) tailMask() reg.Register {
	if g.tailSlot == nil {
		return g.tail
	}
	mask := g.YMM()
	g.VMOVUPS(*g.tailSlot, mask)
	return mask
}

// load and store move a whole register, loadTail and storeTail only its lanes under the mask; the others load as 0.
func (g *generator) load(m operand.Mem, v reg.VecVirtual)  { g.VMOVUPS(m, v) }
func (g *generator) store(v reg.VecVirtual, m operand.Mem) { g.VMOVUPS(v, m) }

func (g *generator) loadTail(m operand.Mem, v reg.VecVirtual) {
	if g.wide() {
		g.VMOVUPS_Z(m, g.tail, v)
		return
	}
	g.VMASKMOVPS(m, g.tailMask(), v)
}

func (g *generator) storeTail(v reg.VecVirtual, m operand.Mem) {
	if g.wide() {
		g.VMOVUPS(v, g.tail, m)
		return
	}
	g.VMASKMOVPS(v, g.tailMask(), m)
}

// loadAt and storeAt choose: the last of a row's vectors goes under the mask.
func (g *generator) loadAt(m operand.Mem, v reg.VecVirtual, last bool) {
	if last {
		g.loadTail(m, v)
	} else {
		g.load(m, v)
	}
}

func (g *generator) storeAt(v reg.VecVirtual, m operand.Mem, last bool) {
	if last {
		g.storeTail(v, m)
	} else {
		g.store(v, m)
	}
}

func jump(label string) operand.Op { return operand.LabelRef(label) }
