//go:build generate

package main

import "fmt"

// Encodings are those of the Arm Architecture Reference Manual for A-profile (DDI 0487), chapter C7.2: the
// instruction with all its register fields 0. Rd is bit 0, Rn bit 5, Rm bit 16.

func (k *kernel) word(w uint32, format string, args ...any) {
	k.ins("WORD $0x%08x // %s", w, fmt.Sprintf(format, args...))
}

// each3 and each2 write an instruction for each register of d, with the same arrangement throughout.
func (k *kernel) each3(code uint32, name, arrangement string, d, a, b vec) {
	for i, rd := range d {
		rn, rm := a[i%len(a)], b[i%len(b)]
		k.word(code|uint32(rm)<<16|uint32(rn)<<5|uint32(rd), "%s v%d.%s, v%d.%s, v%d.%s", name, rd, arrangement, rn, arrangement, rm, arrangement)
	}
}

func (k *kernel) each2(code uint32, name string, d, a vec) {
	for i, rd := range d {
		rn := a[i%len(a)]
		k.word(code|uint32(rn)<<5|uint32(rd), "%s v%d.4s, v%d.4s", name, rd, rn)
	}
}

// byLane multiplies by one lane of a register; its index is in the bits H (11) and L (21).
func (k *kernel) byLane(code uint32, name string, d, a vec, b lane) {
	for i, rd := range d {
		rn := a[i%len(a)]
		k.word(code|uint32(b.index>>1)<<11|uint32(b.index&1)<<21|uint32(b.reg)<<16|uint32(rn)<<5|uint32(rd),
			"%s v%d.4s, v%d.4s, v%d.s[%d]", name, rd, rn, b.reg, b.index)
	}
}

// shift writes a shift of 32-bit lanes; immhb is the field that says how far.
func (k *kernel) shift(code uint32, name string, d, a vec, immhb, by int) {
	for i, rd := range d {
		rn := a[i%len(a)]
		k.word(code|uint32(immhb)<<16|uint32(rn)<<5|uint32(rd), "%s v%d.4s, v%d.4s, #%d", name, rd, rn, by)
	}
}

// Arithmetic on float32 lanes: d = a op b. fmax and fmin keep a NaN, fmaxNumber and fminNumber the number beside it.
func (k *kernel) fadd(d, a, b vec)       { k.each3(0x4E20D400, "fadd", "4s", d, a, b) }
func (k *kernel) fsub(d, a, b vec)       { k.each3(0x4EA0D400, "fsub", "4s", d, a, b) }
func (k *kernel) fmul(d, a, b vec)       { k.each3(0x6E20DC00, "fmul", "4s", d, a, b) }
func (k *kernel) fdiv(d, a, b vec)       { k.each3(0x6E20FC00, "fdiv", "4s", d, a, b) }
func (k *kernel) fmax(d, a, b vec)       { k.each3(0x4E20F400, "fmax", "4s", d, a, b) }
func (k *kernel) fmin(d, a, b vec)       { k.each3(0x4EA0F400, "fmin", "4s", d, a, b) }
func (k *kernel) fmaxNumber(d, a, b vec) { k.each3(0x4E20C400, "fmaxnm", "4s", d, a, b) }
func (k *kernel) fminNumber(d, a, b vec) { k.each3(0x4EA0C400, "fminnm", "4s", d, a, b) }
func (k *kernel) faddPairs(d, a, b vec)  { k.each3(0x6E20D400, "faddp", "4s", d, a, b) }
func (k *kernel) fsqrt(d, a vec)         { k.each2(0x6EA1F800, "fsqrt", d, a) }
func (k *kernel) fneg(d, a vec)          { k.each2(0x6EA0F800, "fneg", d, a) }

// Fused: d += a·b and d −= a·b.
func (k *kernel) fmla(d, a, b vec)          { k.each3(0x4E20CC00, "fmla", "4s", d, a, b) }
func (k *kernel) fmls(d, a, b vec)          { k.each3(0x4EA0CC00, "fmls", "4s", d, a, b) }
func (k *kernel) fmlaLane(d, a vec, b lane) { k.byLane(0x4F801000, "fmla", d, a, b) }
func (k *kernel) fmlsLane(d, a vec, b lane) { k.byLane(0x4F805000, "fmls", d, a, b) }
func (k *kernel) fmulLane(d, a vec, b lane) { k.byLane(0x4F809000, "fmul", d, a, b) }

// Comparisons set all bits of the lanes where they hold.
func (k *kernel) equal(d, a, b vec)       { k.each3(0x4E20E400, "fcmeq", "4s", d, a, b) }
func (k *kernel) notLess(d, a, b vec)     { k.each3(0x6E20E400, "fcmge", "4s", d, a, b) }
func (k *kernel) wordGreater(d, a, b vec) { k.each3(0x4EA03400, "cmgt", "4s", d, a, b) }

// Bits: clear is a and not b, insert puts a's bits into d where b has ones.
func (k *kernel) and(d, a, b vec)    { k.each3(0x4E201C00, "and", "16b", d, a, b) }
func (k *kernel) or(d, a, b vec)     { k.each3(0x4EA01C00, "orr", "16b", d, a, b) }
func (k *kernel) xor(d, a, b vec)    { k.each3(0x6E201C00, "eor", "16b", d, a, b) }
func (k *kernel) clear(d, a, b vec)  { k.each3(0x4E601C00, "bic", "16b", d, a, b) }
func (k *kernel) insert(d, a, b vec) { k.each3(0x6EA01C00, "bit", "16b", d, a, b) }

// move copies registers (ORR of a register with itself).
func (k *kernel) move(d, a vec) {
	for i, rd := range d {
		rn := a[i%len(a)]
		k.word(0x4EA01C00|uint32(rn)<<16|uint32(rn)<<5|uint32(rd), "mov v%d.16b, v%d.16b", rd, rn)
	}
}

func (k *kernel) zero(d vec) { k.xor(d, d, d) }

// spread copies a lane to all lanes.
func (k *kernel) spread(d vec, l lane) {
	for _, rd := range d {
		k.ins("VDUP V%d.S[%d], V%d.S4", l.reg, l.index, rd)
	}
}

// alone zeroes all lanes but the lowest.
func (k *kernel) alone(v vec) { k.ins("FMOVS F%d, F%d", v[0], v[0]) }

// Integer lanes.
func (k *kernel) addWords(d, a, b vec)              { k.each3(0x4EA08400, "add", "4s", d, a, b) }
func (k *kernel) subWords(d, a, b vec)              { k.each3(0x6EA08400, "sub", "4s", d, a, b) }
func (k *kernel) shiftLeft(d, a vec, by int)        { k.shift(0x4F005400, "shl", d, a, 32+by, by) }
func (k *kernel) shiftRight(d, a vec, by int)       { k.shift(0x6F000400, "ushr", d, a, 64-by, by) }
func (k *kernel) shiftRightSigned(d, a vec, by int) { k.shift(0x4F000400, "sshr", d, a, 64-by, by) }
func (k *kernel) toNearest(d, a vec)                { k.each2(0x4E21A800, "fcvtns", d, a) }
func (k *kernel) toFloat(d, a vec)                  { k.each2(0x4E21D800, "scvtf", d, a) }
func (k *kernel) toFloatOver(d, a vec, fractions int) {
	k.shift(0x4F00E400, "scvtf", d, a, 64-fractions, fractions)
}

// multiplyWide replaces a's lanes by the low words of their products with b, and sets high to the high words. T are
// two registers.
func (k *kernel) multiplyWide(high, a, b, t vec) {
	k.word(0x2EA0C000|uint32(b[0])<<16|uint32(a[0])<<5|uint32(t[0]), "umull v%d.2d, v%d.2s, v%d.2s", t[0], a[0], b[0])
	k.word(0x6EA0C000|uint32(b[0])<<16|uint32(a[0])<<5|uint32(t[1]), "umull2 v%d.2d, v%d.4s, v%d.4s", t[1], a[0], b[0])
	k.each3(0x4E801800, "uzp1", "4s", a, t[:1], t[1:])
	k.each3(0x4E805800, "uzp2", "4s", high, t[:1], t[1:])
}

// widen converts the lower (part 0) or upper two lanes to float64.
func (k *kernel) widen(d, a vec, part int) {
	name, from := "fcvtl", "2s"
	if part == 1 {
		name, from = "fcvtl2", "4s"
	}
	k.word(0x0E617800|uint32(part)<<30|uint32(a[0])<<5|uint32(d[0]), "%s v%d.2d, v%d.%s", name, d[0], a[0], from)
}

// Arithmetic on float64 lanes.
func (k *kernel) faddDouble(d, a, b vec) { k.each3(0x4E60D400, "fadd", "2d", d, a, b) }
func (k *kernel) fmlaDouble(d, a, b vec) { k.each3(0x4E60CC00, "fmla", "2d", d, a, b) }

func (k *kernel) foldDouble(d, a vec) {
	k.word(0x7E70D800|uint32(a[0])<<5|uint32(d[0]), "faddp d%d, v%d.2d", d[0], a[0])
}

// loadAt loads a register at base + offset (LDR of a register with an offset, which Go's FMOVQ lacks).
func (k *kernel) loadAt(reg int, base, offset gp) {
	k.word(0x3CE06800|uint32(offset)<<16|uint32(base)<<5|uint32(reg), "ldr q%d, [x%d,x%d]", reg, base, offset)
}

func (k *kernel) storeAt(reg int, base, offset gp) {
	k.word(0x3CA06800|uint32(offset)<<16|uint32(base)<<5|uint32(reg), "str q%d, [x%d,x%d]", reg, base, offset)
}

// transpose4 turns the rows in four registers into columns; t is a fifth. It returns where the columns are and which
// register is left over.
func (k *kernel) transpose4(r [4]int, t int) (columns [4]int, spare int) {
	ins := func(code uint32, name, arrangement string, d, a, b int) {
		k.each3(code, name, arrangement, vec{d}, vec{a}, vec{b})
	}
	words1 := func(d, a, b int) { ins(0x4E802800, "trn1", "4s", d, a, b) }
	words2 := func(d, a, b int) { ins(0x4E806800, "trn2", "4s", d, a, b) }
	halves1 := func(d, a, b int) { ins(0x4EC02800, "trn1", "2d", d, a, b) }
	halves2 := func(d, a, b int) { ins(0x4EC06800, "trn2", "2d", d, a, b) }
	words1(t, r[0], r[1])
	words2(r[1], r[0], r[1])
	words1(r[0], r[2], r[3])
	words2(r[3], r[2], r[3])
	halves1(r[2], t, r[0])
	halves2(t, t, r[0])
	halves1(r[0], r[1], r[3])
	halves2(r[1], r[1], r[3])
	return [4]int{r[2], r[0], t, r[1]}, r[3]
}
