//go:build amd64 && !purego

package cpu

import "strings"

// Extensions beyond those that guards name. AVX comes with AVX2.
const (
	avxBase = "AVX"
	noForm  = "" // the instruction has no such encoding
)

// encoded is an opcode in the encodings that can address vectors: its map (1 is 0F, 2 is 0F38, 3 is 0F3A), its
// mandatory prefix (0 none, 1 66, 2 F3, 3 F2), and W where W distinguishes instructions, else anyW.
type encoded struct {
	space, prefix, opcode byte
	w                     int8
}

const anyW int8 = -1

// instruction says which extension an opcode needs in the VEX encoding and which in the EVEX encoding of 512 bits.
// One of fewer bits needs AVX512VL besides, if it isn't scalar.
type instruction struct {
	names     string // mnemonics, as the Go assembler writes them
	vex, evex string
	scalar    bool
}

// instructions are those that kernels may use, and some that they must not, by opcode (Intel SDM volume 2). A test
// that meets one which isn't here fails: add it.
func instructions() table {
	t := table{}
	t.moves()
	t.arithmetic()
	t.integers()
	t.permutations()
	t.conversions()
	t.fma()
	t.masks()
	t.others()
	return t
}

type table map[encoded]instruction

func (t table) add(space, prefix byte, w int8, names, vex, evex string, opcodes ...byte) {
	for _, op := range opcodes {
		t[encoded{space, prefix, op, w}] = instruction{names: names, vex: vex, evex: evex}
	}
}

// scalar adds an instruction on the lowest lane.
func (t table) scalar(space, prefix byte, names, vex, evex string, opcodes ...byte) {
	for _, op := range opcodes {
		t[encoded{space, prefix, op, anyW}] = instruction{
			names:  names,
			vex:    vex,
			evex:   evex,
			scalar: true,
		}
	}
}

func (t table) moves() {
	const f = "AVX512F"
	t.add(1, 0, anyW, "VMOVUPS", avxBase, f, 0x10, 0x11)
	t.add(1, 1, anyW, "VMOVUPD", avxBase, f, 0x10, 0x11)
	t.add(1, 0, anyW, "VMOVAPS", avxBase, f, 0x28, 0x29)
	t.add(1, 1, anyW, "VMOVAPD", avxBase, f, 0x28, 0x29)
	t.add(1, 0, anyW, "VMOVNTPS", avxBase, f, 0x2b)
	t.scalar(1, 2, "VMOVSS", avxBase, f, 0x10, 0x11)
	t.scalar(1, 3, "VMOVSD", avxBase, f, 0x10, 0x11)
	t.scalar(1, 1, "VMOVD VMOVQ", avxBase, f, 0x6e, 0x7e, 0xd6)
	t.scalar(1, 2, "VMOVQ", avxBase, f, 0x7e)
	t.add(1, 1, anyW, "VMOVDQA VMOVDQA32 VMOVDQA64", avxBase, f, 0x6f, 0x7f)
	t.add(1, 2, anyW, "VMOVDQU VMOVDQU32 VMOVDQU64", avxBase, f, 0x6f, 0x7f)
	t.add(1, 3, anyW, "VMOVDQU8 VMOVDQU16", noForm, "AVX512BW", 0x6f, 0x7f)
	t.add(2, 1, anyW, "VMASKMOVPS VSCALEFPS", avxBase, f, 0x2c)
	t.add(2, 1, anyW, "VMASKMOVPS", avxBase, noForm, 0x2e)
	t.add(2, 1, anyW, "VMASKMOVPD", avxBase, noForm, 0x2d, 0x2f)
	t.add(2, 1, anyW, "VPMASKMOVD VPMASKMOVQ", "AVX2", noForm, 0x8c, 0x8e)
	t.add(2, 1, anyW, "VBROADCASTSS", "AVX2", f, 0x18)
	t.add(2, 1, 0, "VBROADCASTSD VBROADCASTF32X2", avxBase, "AVX512DQ", 0x19)
	t.add(2, 1, 1, "VBROADCASTSD", noForm, f, 0x19)
	t.add(2, 1, 0, "VBROADCASTF128 VBROADCASTF32X4", avxBase, f, 0x1a)
	t.add(2, 1, 1, "VBROADCASTF64X2", noForm, "AVX512DQ", 0x1a)
	t.add(2, 1, 0, "VBROADCASTF32X8", noForm, "AVX512DQ", 0x1b)
	t.add(2, 1, 1, "VBROADCASTF64X4", noForm, f, 0x1b)
	t.add(2, 1, anyW, "VPBROADCASTD", "AVX2", f, 0x58)
	t.add(2, 1, anyW, "VPBROADCASTQ", "AVX2", f, 0x59)
	t.add(2, 1, anyW, "VBROADCASTI128", "AVX2", f, 0x5a)
	t.add(2, 1, anyW, "VPBROADCASTB", "AVX2", "AVX512BW", 0x78, 0x7a)
	t.add(2, 1, anyW, "VPBROADCASTW", "AVX2", "AVX512BW", 0x79, 0x7b)
	t.add(2, 1, anyW, "VPBROADCASTD VPBROADCASTQ", noForm, f, 0x7c)
	t.add(2, 1, anyW, "VEXPANDPS VEXPANDPD", noForm, f, 0x88)
	t.add(2, 1, anyW, "VCOMPRESSPS VCOMPRESSPD", noForm, f, 0x8a)
	t.add(2, 1, anyW, "VGATHERDPS VGATHERDPD", "AVX2", f, 0x92)
}

func (t table) arithmetic() {
	const f = "AVX512F"
	for op, name := range map[byte]string{
		0x51: "VSQRT",
		0x58: "VADD",
		0x59: "VMUL",
		0x5c: "VSUB",
		0x5d: "VMIN",
		0x5e: "VDIV",
		0x5f: "VMAX",
		0xc2: "VCMP",
	} {
		t.add(1, 0, anyW, name+"PS", avxBase, f, op)
		t.add(1, 1, anyW, name+"PD", avxBase, f, op)
		t.scalar(1, 2, name+"SS", avxBase, f, op)
		t.scalar(1, 3, name+"SD", avxBase, f, op)
	}
	for op, name := range map[byte]string{0x54: "VANDP", 0x55: "VANDNP", 0x56: "VORP", 0x57: "VXORP"} {
		t.add(1, 0, anyW, name+"S", avxBase, "AVX512DQ", op)
		t.add(1, 1, anyW, name+"D", avxBase, "AVX512DQ", op)
	}
	t.add(1, 0, anyW, "VRSQRTPS", avxBase, noForm, 0x52)
	t.add(1, 0, anyW, "VRCPPS", avxBase, noForm, 0x53)
	t.add(1, 3, anyW, "VHADDPS", avxBase, noForm, 0x7c)
	t.add(1, 0, anyW, "VMOVMSKPS", avxBase, noForm, 0x50)
	t.scalar(1, 0, "VUCOMISS", avxBase, f, 0x2e)
	t.scalar(1, 1, "VUCOMISD", avxBase, f, 0x2e)
	t.add(2, 1, anyW, "VRCP14PS", noForm, f, 0x4c)
	t.add(2, 1, anyW, "VRSQRT14PS", noForm, f, 0x4e)
	t.add(2, 1, anyW, "VGETEXPPS", noForm, f, 0x42)
	t.add(3, 1, anyW, "VROUNDPS VRNDSCALEPS", avxBase, f, 0x08)
	t.add(3, 1, anyW, "VROUNDPD VRNDSCALEPD", avxBase, f, 0x09)
	t.add(3, 1, anyW, "VRANGEPS VRANGEPD", noForm, "AVX512DQ", 0x50)
	t.add(3, 1, anyW, "VREDUCEPS VREDUCEPD", noForm, "AVX512DQ", 0x56)
}

func (t table) integers() {
	const f, bw = "AVX512F", "AVX512BW"
	for op, name := range map[byte]string{0x66: "VPCMPGTD", 0x76: "VPCMPEQD", 0xd2: "VPSRLD", 0xd3: "VPSRLQ",
		0xd4: "VPADDQ", 0xdb: "VPAND VPANDD VPANDQ",
		0xdf: "VPANDN VPANDND VPANDNQ", 0xe2: "VPSRAD", 0xeb: "VPOR VPORD VPORQ", 0xef: "VPXOR VPXORD VPXORQ",
		0xf2: "VPSLLD", 0xf3: "VPSLLQ",
		0xf4: "VPMULUDQ", 0xfa: "VPSUBD", 0xfb: "VPSUBQ", 0xfe: "VPADDD", 0x72: "VPSRLD VPSRAD VPSLLD VPRORD VPROLD"} {
		t.add(1, 1, anyW, name, "AVX2", f, op)
	}
	for op, name := range map[byte]string{0x60: "VPUNPCKLBW", 0x61: "VPUNPCKLWD", 0x63: "VPACKSSWB", 0x67: "VPACKUSWB",
		0x68: "VPUNPCKHBW", 0x69: "VPUNPCKHWD",
		0x6b: "VPACKSSDW", 0x71: "VPSRLW VPSRAW VPSLLW", 0xd5: "VPMULLW", 0xf5: "VPMADDWD", 0xf8: "VPSUBB",
		0xf9: "VPSUBW", 0xfc: "VPADDB", 0xfd: "VPADDW"} {
		t.add(1, 1, anyW, name, "AVX2", bw, op)
	}
	t.add(1, 1, anyW, "VPSRLQ VPSLLQ", "AVX2", f, 0x73)
	t.add(1, 1, anyW, "VPMOVMSKB", "AVX2", noForm, 0xd7)
	for op, name := range map[byte]string{0x1e: "VPABSD", 0x28: "VPMULDQ", 0x29: "VPCMPEQQ", 0x37: "VPCMPGTQ",
		0x39: "VPMINSD VPMINSQ",
		0x3b: "VPMINUD VPMINUQ", 0x3d: "VPMAXSD VPMAXSQ", 0x3f: "VPMAXUD VPMAXUQ", 0x45: "VPSRLVD VPSRLVQ",
		0x46: "VPSRAVD VPSRAVQ", 0x47: "VPSLLVD VPSLLVQ"} {
		t.add(2, 1, anyW, name, "AVX2", f, op)
	}
	t.add(2, 1, 0, "VPMULLD", "AVX2", f, 0x40)
	t.add(2, 1, 1, "VPMULLQ", noForm, "AVX512DQ", 0x40)
	t.add(2, 1, anyW, "VPSHUFB", "AVX2", bw, 0x00)
	t.add(2, 1, anyW, "VPMADDUBSW", "AVX2", bw, 0x04)
	t.add(2, 1, anyW, "VPDPBUSD", "AVX_VNNI", "AVX512_VNNI", 0x50)
	t.add(2, 1, anyW, "VPDPBUSDS", "AVX_VNNI", "AVX512_VNNI", 0x51)
	t.add(2, 1, anyW, "VPDPWSSD", "AVX_VNNI", "AVX512_VNNI", 0x52)
	t.add(2, 1, anyW, "VPDPWSSDS", "AVX_VNNI", "AVX512_VNNI", 0x53)
	t.add(2, 2, anyW, "VDPBF16PS", noForm, "AVX512_BF16", 0x52)
	t.add(3, 1, anyW, "VPCMPUD VPCMPUQ", noForm, f, 0x1e)
	t.add(3, 1, anyW, "VPCMPD VPCMPQ", noForm, f, 0x1f)
	t.add(3, 1, anyW, "VPTERNLOGD VPTERNLOGQ", noForm, f, 0x25)
	t.add(3, 1, anyW, "VPCMPUB VPCMPUW", noForm, bw, 0x3e)
	t.add(3, 1, anyW, "VPCMPB VPCMPW", noForm, bw, 0x3f)
}

func (t table) permutations() {
	const f = "AVX512F"
	for op, name := range map[byte]string{0x14: "VUNPCKLP", 0x15: "VUNPCKHP", 0xc6: "VSHUFP"} {
		t.add(1, 0, anyW, name+"S", avxBase, f, op)
		t.add(1, 1, anyW, name+"D", avxBase, f, op)
	}
	t.add(1, 2, anyW, "VMOVSLDUP", avxBase, f, 0x12)
	t.add(1, 2, anyW, "VMOVSHDUP", avxBase, f, 0x16)
	t.add(1, 3, anyW, "VMOVDDUP", avxBase, f, 0x12)
	for op, name := range map[byte]string{
		0x62: "VPUNPCKLDQ",
		0x6a: "VPUNPCKHDQ",
		0x6c: "VPUNPCKLQDQ",
		0x6d: "VPUNPCKHQDQ",
		0x70: "VPSHUFD",
	} {
		t.add(1, 1, anyW, name, "AVX2", f, op)
	}
	t.add(2, 1, anyW, "VPERMILPS", avxBase, f, 0x0c)
	t.add(2, 1, anyW, "VPERMILPD", avxBase, f, 0x0d)
	t.add(2, 1, anyW, "VPERMPS VPERMPD", "AVX2", f, 0x16)
	t.add(2, 1, anyW, "VPERMD VPERMQ", "AVX2", f, 0x36)
	t.add(2, 1, anyW, "VPERMI2D VPERMI2Q", noForm, f, 0x76)
	t.add(2, 1, anyW, "VPERMI2PS VPERMI2PD", noForm, f, 0x77)
	t.add(2, 1, anyW, "VPERMT2D VPERMT2Q", noForm, f, 0x7e)
	t.add(2, 1, anyW, "VPERMT2PS VPERMT2PD", noForm, f, 0x7f)
	t.add(3, 1, anyW, "VPERMQ", "AVX2", f, 0x00)
	t.add(3, 1, anyW, "VPERMPD", "AVX2", f, 0x01)
	t.add(3, 1, anyW, "VPBLENDD", "AVX2", noForm, 0x02)
	t.add(3, 1, anyW, "VALIGND VALIGNQ", noForm, f, 0x03)
	t.add(3, 1, anyW, "VPERMILPS", avxBase, f, 0x04)
	t.add(3, 1, anyW, "VPERMILPD", avxBase, f, 0x05)
	t.add(3, 1, anyW, "VPERM2F128", avxBase, noForm, 0x06)
	t.add(3, 1, anyW, "VBLENDPS", avxBase, noForm, 0x0c)
	t.add(3, 1, anyW, "VBLENDPD", avxBase, noForm, 0x0d)
	t.add(3, 1, anyW, "VPBLENDW", "AVX2", noForm, 0x0e)
	t.add(3, 1, anyW, "VPALIGNR", "AVX2", "AVX512BW", 0x0f)
	t.add(3, 1, 0, "VINSERTF128 VINSERTF32X4", avxBase, f, 0x18)
	t.add(3, 1, 1, "VINSERTF64X2", noForm, "AVX512DQ", 0x18)
	t.add(3, 1, 0, "VEXTRACTF128 VEXTRACTF32X4", avxBase, f, 0x19)
	t.add(3, 1, 1, "VEXTRACTF64X2", noForm, "AVX512DQ", 0x19)
	t.add(3, 1, 0, "VINSERTF32X8", noForm, "AVX512DQ", 0x1a)
	t.add(3, 1, 1, "VINSERTF64X4", noForm, f, 0x1a)
	t.add(3, 1, 0, "VEXTRACTF32X8", noForm, "AVX512DQ", 0x1b)
	t.add(3, 1, 1, "VEXTRACTF64X4", noForm, f, 0x1b)
	t.scalar(3, 1, "VINSERTPS", avxBase, f, 0x21)
	t.add(3, 1, anyW, "VSHUFF32X4 VSHUFF64X2", noForm, f, 0x23)
	t.add(3, 1, 0, "VINSERTI128", "AVX2", f, 0x38)
	t.add(3, 1, 0, "VEXTRACTI128", "AVX2", f, 0x39)
	t.add(3, 1, anyW, "VSHUFI32X4 VSHUFI64X2", noForm, f, 0x43)
	t.add(3, 1, anyW, "VPERM2I128", "AVX2", noForm, 0x46)
	t.add(3, 1, anyW, "VBLENDVPS", avxBase, noForm, 0x4a)
	t.add(3, 1, anyW, "VBLENDVPD", avxBase, noForm, 0x4b)
	t.add(3, 1, anyW, "VPBLENDVB", "AVX2", noForm, 0x4c)
	t.add(2, 1, anyW, "VBLENDMPS VBLENDMPD", noForm, f, 0x65)
}

func (t table) conversions() {
	const f = "AVX512F"
	t.scalar(1, 2, "VCVTSI2SSL VCVTSI2SSQ", avxBase, f, 0x2a)
	t.scalar(1, 3, "VCVTSI2SDL VCVTSI2SDQ", avxBase, f, 0x2a)
	t.scalar(1, 2, "VCVTTSS2SI VCVTTSS2SIQ VCVTSS2SI VCVTSS2SIQ", avxBase, f, 0x2c, 0x2d)
	t.add(1, 0, anyW, "VCVTPS2PD", avxBase, f, 0x5a)
	t.add(1, 1, anyW, "VCVTPD2PS VCVTPD2PSX VCVTPD2PSY", avxBase, f, 0x5a)
	t.scalar(1, 2, "VCVTSS2SD", avxBase, f, 0x5a)
	t.scalar(1, 3, "VCVTSD2SS", avxBase, f, 0x5a)
	t.add(1, 0, 0, "VCVTDQ2PS", avxBase, f, 0x5b)
	t.add(1, 0, 1, "VCVTQQ2PS", noForm, "AVX512DQ", 0x5b)
	t.add(1, 1, anyW, "VCVTPS2DQ", avxBase, f, 0x5b)
	t.add(1, 2, anyW, "VCVTTPS2DQ", avxBase, f, 0x5b)
	t.add(1, 2, 0, "VCVTDQ2PD", avxBase, f, 0xe6)
	t.add(1, 2, 1, "VCVTQQ2PD", noForm, "AVX512DQ", 0xe6)
	t.add(2, 1, anyW, "VPMOVSXDQ", "AVX2", f, 0x25)
	t.add(2, 1, anyW, "VPMOVZXWD", "AVX2", f, 0x33)
	t.add(2, 1, anyW, "VPMOVZXBD", "AVX2", f, 0x31)
	t.add(2, 1, anyW, "VPMOVSXBD", "AVX2", f, 0x21)
	t.add(2, 1, anyW, "VCVTPH2PS", "F16C", f, 0x13)
	t.add(3, 1, anyW, "VCVTPS2PH", "F16C", f, 0x1d)
}

func (t table) fma() {
	for group, order := range map[byte]string{0x90: "132", 0xa0: "213", 0xb0: "231"} {
		for op, name := range map[byte]string{
			6:   "VFMADDSUB",
			7:   "VFMSUBADD",
			8:   "VFMADD",
			0xa: "VFMSUB",
			0xc: "VFNMADD",
			0xe: "VFNMSUB",
		} {
			t.add(2, 1, 0, name+order+"PS", "FMA", "AVX512F", group+op)
			t.add(2, 1, 1, name+order+"PD", "FMA", "AVX512F", group+op)
			if op >= 8 {
				t.scalar(2, 1, name+order+"SS "+name+order+"SD", "FMA", "AVX512F", group+op+1)
			}
		}
	}
}

// masks are the instructions on K registers, which are VEX encodings.
func (t table) masks() {
	const f, dq, bw = "AVX512F", "AVX512DQ", "AVX512BW"
	for op, name := range map[byte]string{
		0x41: "KAND",
		0x42: "KANDN",
		0x44: "KNOT",
		0x45: "KOR",
		0x46: "KXNOR",
		0x47: "KXOR",
		0x90: "KMOV",
		0x91: "KMOV",
		0x98: "KORTEST",
	} {
		t.add(1, 0, 0, name+"W", f, noForm, op)
		t.add(1, 1, 0, name+"B", dq, noForm, op)
		t.add(1, 0, 1, name+"Q", bw, noForm, op)
		t.add(1, 1, 1, name+"D", bw, noForm, op)
	}
	t.add(1, 0, 0, "KMOVW", f, noForm, 0x92, 0x93)
	t.add(1, 1, 0, "KMOVB", dq, noForm, 0x92, 0x93)
	t.add(1, 3, 0, "KMOVD", bw, noForm, 0x92, 0x93)
	t.add(1, 3, 1, "KMOVQ", bw, noForm, 0x92, 0x93)
	t.add(3, 1, 1, "KSHIFTRW", f, noForm, 0x30)
	t.add(3, 1, 1, "KSHIFTLW", f, noForm, 0x32)
	t.add(2, 2, anyW, "VPMOVM2B VPMOVM2W", noForm, bw, 0x28)
	t.add(2, 2, anyW, "VPMOVB2M VPMOVW2M", noForm, bw, 0x29)
	t.add(2, 2, anyW, "VPMOVM2D VPMOVM2Q", noForm, dq, 0x38)
	t.add(2, 2, anyW, "VPMOVD2M VPMOVQ2M", noForm, dq, 0x39)
	t.add(2, 1, anyW, "VPTESTMD VPTESTMQ", noForm, f, 0x27)
}

func (t table) others() {
	t.add(1, 0, anyW, "VZEROUPPER VZEROALL", avxBase, noForm, 0x77)
	t.add(2, 0, anyW, "BZHIL BZHIQ", "BMI2", noForm, 0xf5)
	t.add(2, 1, anyW, "SHLXL SHLXQ", "BMI2", noForm, 0xf7)
	t.add(2, 2, anyW, "SARXL SARXQ", "BMI2", noForm, 0xf7)
	t.add(2, 3, anyW, "SHRXL SHRXQ", "BMI2", noForm, 0xf7)
	t.add(2, 3, anyW, "MULXL MULXQ", "BMI2", noForm, 0xf6)
	t.add(3, 3, anyW, "RORXL RORXQ", "BMI2", noForm, 0xf0)
	t.add(2, 0, anyW, "ANDNL ANDNQ", "BMI1", noForm, 0xf2)
}

// find is the instruction of an opcode.
func (t table) find(e encoded) (instruction, bool) {
	if i, ok := t[e]; ok {
		return i, true
	}
	e.w = anyW
	i, ok := t[e]
	return i, ok
}

// named are all instructions of a mnemonic, which may have several opcodes.
func (t table) named(mnemonic string) []instruction {
	var list []instruction
	for _, i := range t {
		for _, name := range strings.Fields(i.names) {
			if name == mnemonic {
				list = append(list, i)
				break
			}
		}
	}
	return list
}

// baseline are the mnemonics that every amd64 has.
const baseline = " ADDQ ADDL ANDQ ANDL ORQ ORL CMPQ CMPL DECQ INCQ JMP JE JNE JG JGE JL JLE JA JAE JB JBE JZ JNZ " +
	"LEAQ MOVL MOVQ MOVSD MOVSS " +
	"NEGQ PREFETCHT0 PREFETCHT1 PREFETCHT2 PREFETCHNTA RET SHLQ SHRQ SHLL SHRL SARQ SUBQ SUBL TESTQ TESTL XORQ " +
	"XORL IMULQ PCALIGN NOP "
