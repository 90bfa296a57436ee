//go:build amd64 && !purego

package cpu

import (
	"errors"
	"fmt"
	"strings"
)

// decoded is one machine instruction: its length, and its opcode if the encoding is VEX or EVEX.
type decoded struct {
	length    int
	vex, evex bool
	op        encoded
	bits      int // of vectors: 128, 256 or 512
	group     byte
}

var errTruncated = errors.New("the code ends within an instruction")

// decode reads the instruction that code begins with. Of the legacy encodings it knows those that every amd64 has;
// it refuses others.
func decode(code []byte) (decoded, error) {
	c := cursor{code: code}
	d, err := c.instruction()
	if c.over {
		return decoded{}, errTruncated
	}
	d.length = c.at
	return d, err
}

// cursor walks over an instruction's bytes.
type cursor struct {
	code []byte
	at   int
	over bool // read past the end
}

func (c *cursor) next() byte {
	if c.at >= len(c.code) {
		c.over = true
		return 0
	}
	c.at++
	return c.code[c.at-1]
}

func (c *cursor) skip(n int) {
	for range n {
		c.next()
	}
}

func (c *cursor) instruction() (decoded, error) {
	var prefixes []byte
	for {
		switch b := c.next(); {
		case b == 0x66 || b == 0xf2 || b == 0xf3 || b == 0x64 || b == 0x65 || b == 0x2e:
			prefixes = append(prefixes, b)
		case b == 0xc4 || b == 0xc5:
			return c.vex(b), nil
		case b == 0x62:
			return c.evex(), nil
		case b&0xf0 == 0x40: // REX
			return decoded{}, c.legacy(c.next(), b&8 != 0, prefixes)
		default:
			return decoded{}, c.legacy(b, false, prefixes)
		}
	}
}

// vex reads what follows C5 (two bytes) or C4 (three).
func (c *cursor) vex(first byte) decoded {
	space, last := byte(1), c.next()
	w := int8(0)
	if first == 0xc4 {
		space = last & 31
		last = c.next()
		w = int8(last >> 7)
	}
	d := decoded{vex: true, op: encoded{space, last & 3, c.next(), w}, bits: 128 << (last >> 2 & 1)}
	if d.op.space == 1 && d.op.opcode == 0x77 { // VZEROUPPER has no operands
		return d
	}
	c.operands(&d)
	return d
}

// evex reads what follows 62.
func (c *cursor) evex() decoded {
	p0, p1, p2 := c.next(), c.next(), c.next()
	d := decoded{evex: true, op: encoded{p0 & 7, p1 & 3, c.next(), int8(p1 >> 7)}, bits: 128 << (p2 >> 5 & 3)}
	registers := c.operands(&d)
	if registers && p2&0x10 != 0 { // rounding in the place of the length
		d.bits = 512
	}
	return d
}

// operands reads ModRM, what it announces, and the immediate byte of the opcodes that have one.
func (c *cursor) operands(d *decoded) (registers bool) {
	var mod byte
	mod, d.group = c.modRM()
	op := d.op.opcode
	if d.op.space == 3 || d.op.space == 1 && (op >= 0x70 && op <= 0x73 || op == 0xc2 || op >= 0xc4 && op <= 0xc6) {
		c.next()
	}
	return mod == 3
}

// modRM reads ModRM, SIB and displacement and returns the fields mod and reg.
func (c *cursor) modRM() (mod, reg byte) {
	b := c.next()
	mod, reg = b>>6, b>>3&7
	base := b & 7
	if mod == 3 {
		return mod, reg
	}
	if base == 4 {
		base = c.next() & 7
	}
	switch {
	case mod == 1:
		c.skip(1)
	case mod == 2, base == 5: // with mod 0, base 5 is an address of 32 bits
		c.skip(4)
	}
	return mod, reg
}

// legacy reads an instruction without VEX or EVEX, from its opcode on.
func (c *cursor) legacy(op byte, wide bool, prefixes []byte) error {
	immediate := 4
	if strings.IndexByte(string(prefixes), 0x66) >= 0 {
		immediate = 2
	}
	switch {
	case op == 0x0f:
		return c.twoByte(c.next(), prefixes)
	case op < 0x40 && op&7 < 4, op == 0x63, op >= 0x84 && op <= 0x8b, op == 0x8d, op >= 0xd0 && op <= 0xd3, op == 0xfe,
		op == 0xff:
		c.modRM()
	case op < 0x40 && op&7 == 4, op >= 0x70 && op <= 0x7f, op == 0x6a, op == 0xa8, op == 0xeb, op >= 0xb0 && op <= 0xb7:
		c.skip(1)
	case op < 0x40 && op&7 == 5, op == 0x68, op == 0xa9:
		c.skip(immediate)
	case op == 0xe8, op == 0xe9:
		c.skip(4)
	case op >= 0x50 && op <= 0x5f, op == 0x90, op == 0x98, op == 0x99, op == 0xc3:
	case op == 0x80, op == 0x83, op == 0x6b, op == 0xc0, op == 0xc1, op == 0xc6:
		c.modRM()
		c.skip(1)
	case op == 0x81, op == 0x69, op == 0xc7:
		c.modRM()
		c.skip(immediate)
	case op == 0xf6, op == 0xf7:
		if _, reg := c.modRM(); reg < 2 { // TEST
			c.skip(map[byte]int{0xf6: 1, 0xf7: immediate}[op])
		}
	case op >= 0xb8 && op <= 0xbf && wide:
		c.skip(8)
	case op >= 0xb8 && op <= 0xbf:
		c.skip(immediate)
	default:
		return fmt.Errorf("opcode %02x: not an instruction that every amd64 has, or unknown to this test", op)
	}
	return nil
}

// twoByte reads what follows 0F.
func (c *cursor) twoByte(op byte, prefixes []byte) error {
	bits := op == 0xb8 || op == 0xbc || op == 0xbd // with F3: POPCNT, TZCNT, LZCNT
	switch {
	case op >= 0x80 && op <= 0x8f:
		c.skip(4)
	case op >= 0x10 && op <= 0x18, op == 0x1f, op >= 0x28 && op <= 0x2f, op >= 0x40 && op <= 0x6f,
		op >= 0x74 && op <= 0x76, op == 0x7e, op == 0x7f,
		op >= 0x90 && op <= 0x9f, op == 0xaf, op >= 0xb6 && op <= 0xbf && !bits, op >= 0xd0 && op != 0xff:
		c.modRM()
	case op >= 0x70 && op <= 0x73, op == 0xc2, op >= 0xc4 && op <= 0xc6:
		c.modRM()
		c.skip(1)
	default:
		return fmt.Errorf("opcode %x 0f %02x: not an instruction that every amd64 has, or unknown to this test",
			prefixes, op)
	}
	return nil
}
