//go:build amd64 && !purego

package cpu

import (
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"testing"
)

// planted are instructions and whether the guards of the paths allow them.
var planted = []struct {
	text, code   string
	avx2, avx512 bool
}{
	{"VFMADD231PS Y16, Y1, Y2", "62b27528b8d0", false, false},
	{"VFMADD231PS Z16, Z1, Z2", "62b27548b8d0", false, true},
	{"VFMADD231PS Y6, Y1, Y2", "c4e275b8d6", true, true},
	{"VPDPBUSD Z1, Z2, Z3", "62f26d4850d9", false, false},
	{"VPDPBUSD Y1, Y2, Y3", "c4e26d50d9", false, false},
	{"VPMOVM2B K1, Z2", "62f27e4828d1", false, false},
	{"VPMOVM2D K1, Z2", "62f27e4838d1", false, true},
	{"VPSRLDQ $3, Z1, Z2", "62f16d4873d903", false, false},
	{"VPSRLQ $3, Z1, Z2", "62f1ed4873d103", false, true},
	{"VXORPS Z0, Z0, Z0", "62f17c4857c0", false, true},
	{"VXORPS X20, X20, X20", "62a15c0057e4", false, false},
	{"VPMULLQ Z1, Z2, Z3", "62f2ed4840d9", false, true},
	{"VADDPS.RN_SAE Z1, Z2, Z3", "62f16c1858d9", false, true},
	{"VADDPS.BCST 4(AX), Z2, Z3", "62f16c58585801", false, true},
	{"VFMADD231SS X17, X1, X2", "62b27508b9d1", false, true},
	{"VCVTPH2PS X1, Y2", "c4e27d13d1", false, false},
	{"VPADDB Y1, Y2, Y3", "c5edfcd9", true, true},
	{"VADDPS 1024(SP)(AX*4), Y2, Y3", "c5ec589c8400040000", true, true},
	{"VBLENDPS $1, 64(R13), Y12, Y13", "c4431d0c6d4001", true, true},
	{"KMOVW CX, K1", "c5f892c9", false, true},
	{"KMOVQ CX, K1", "c4e1fb92c9", false, false},
	{"POPCNTQ AX, BX", "f3480fb8d8", false, false},
	{"TZCNTQ AX, BX", "f3480fbcd8", false, false},
	{"ANDNQ AX, BX, CX", "c4e2e0f2c8", false, false},
	{"PSHUFB X1, X2", "660f3800d1", false, false},
	{"UNDEF", "0f0b", false, false},
	{"SYSCALL", "0f05", false, false},
	{"RET", "c3", true, true},
}

func TestGuardsFindPlantedInstructions(t *testing.T) {
	known := instructions()
	before, _ := hex.DecodeString("c5f877") // VZEROUPPER
	for _, p := range planted {
		code, err := hex.DecodeString(p.code)
		if err != nil {
			t.Fatal(err)
		}
		if d, err := decode(code); err == nil && d.length != len(code) {
			t.Errorf("%s: decoded as %d bytes of %d", p.text, d.length, len(code))
		}
		for suffix, allowed := range map[string]bool{"AVX2": p.avx2, "AVX512": p.avx512} {
			promised, err := promised("Planted" + suffix)
			if err != nil {
				t.Fatal(err)
			}
			if err := checkCode(slices.Concat(before, code, before), promised, known); (err == nil) != allowed {
				t.Errorf("code of %s in a kernel for %s: %v", p.text, suffix, err)
			}
			if err := checkLine(p.text, promised, known); (err == nil) != allowed {
				t.Errorf("text of %s in a kernel for %s: %v", p.text, suffix, err)
			}
		}
	}
	if _, err := promised("DotSSE4"); err == nil {
		t.Error("a kernel of no path is no error")
	}
	if _, err := decode([]byte{0xc5, 0xec, 0x58, 0x9c}); err == nil {
		t.Error("an instruction cut short is no error")
	}
}

// What decode and the table make of each kernel's code is what its text says, instruction by instruction: neither
// is blind.
func TestDecodedKernelsAreTheirText(t *testing.T) {
	known, code, text := instructions(), linkedKernels(), kernelText(t)
	for _, name := range slices.Sorted(maps.Keys(text)) {
		lines := slices.DeleteFunc(text[name],
			func(line string) bool { return strings.Contains(baseline, " "+strings.Fields(line)[0]+" ") })
		for at := 0; at < len(code[name]) && code[name][at] != 0xcc; {
			d, err := decode(code[name][at:])
			if err != nil {
				t.Fatalf("%s: offset %#x: %v", name, at, err)
			}
			at += d.length
			if !d.vex && !d.evex {
				continue
			}
			if len(lines) == 0 {
				t.Fatalf("%s: there is more code than text", name)
			}
			mnemonic, _, _ := strings.Cut(strings.Fields(lines[0])[0], ".")
			if i, _ := known.find(d.op); !slices.Contains(strings.Fields(i.names), mnemonic) {
				t.Fatalf("%s: offset %#x is one of %s, and the text says %s", name, at, i.names, lines[0])
			}
			lines = lines[1:]
		}
		if len(lines) > 0 {
			t.Errorf("%s: there is no code for %s and what follows", name, lines[0])
		}
	}
}
