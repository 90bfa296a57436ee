//go:build amd64 && !purego

package cpu

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"dmtrain/internal/kernels/cpu/asm"
)

// promised are the extensions that the guard of a kernel's path checks, by the kernel's name.
func promised(kernel string) (map[string]bool, error) {
	for _, p := range simdPaths() {
		if strings.HasSuffix(kernel, strings.ToUpper(p.name)) {
			all := map[string]bool{avxBase: true}
			for _, f := range p.needs {
				all[f.name] = true
			}
			return all, nil
		}
	}
	return nil, fmt.Errorf("the name %s ends with no path", kernel)
}

// missing is the first of some extensions that isn't promised.
func missing(promised map[string]bool, extensions ...string) error {
	for _, e := range extensions {
		if !promised[e] {
			return fmt.Errorf("needs %s, which is not guarded for", e)
		}
	}
	return nil
}

// checkCode holds machine code to what a guard promises.
func checkCode(code []byte, promised map[string]bool, known table) error {
	for at := 0; at < len(code); {
		if len(bytes.TrimLeft(code[at:], "\xcc")) == 0 { // the linker fills up with these
			return nil
		}
		d, err := decode(code[at:])
		if err == nil {
			err = d.check(promised, known)
		}
		if err != nil {
			return fmt.Errorf("offset %#x, % x: %w", at, code[at:min(at+max(d.length, 8), len(code))], err)
		}
		at += d.length
	}
	return nil
}

func (d decoded) check(promised map[string]bool, known table) error {
	if !d.vex && !d.evex {
		return nil
	}
	if d.evex && !promised["AVX512F"] {
		return fmt.Errorf("an EVEX encoding, and AVX512F is not guarded for")
	}
	i, ok := known.find(d.op)
	form := i.vex
	if d.evex {
		form = i.evex
	}
	if !ok || form == noForm {
		return fmt.Errorf("opcode %+v is unknown to this test", d.op)
	}
	extensions := []string{form}
	if d.op == (encoded{1, 1, 0x73, d.op.w}) && d.evex && d.group&1 == 1 { // a shift by bytes has that opcode, too
		extensions = append(extensions, "AVX512BW")
	}
	if d.evex && d.bits < 512 && !i.scalar {
		extensions = append(extensions, "AVX512VL")
	}
	if err := missing(promised, extensions...); err != nil {
		return fmt.Errorf("%s: %w", i.names, err)
	}
	return nil
}

// checkLine holds an instruction's text to what a guard promises.
func checkLine(line string, promised map[string]bool, known table) error {
	mnemonic, operands, _ := strings.Cut(line, " ")
	mnemonic, _, masked := strings.Cut(mnemonic, ".")
	wide, narrow := false, false
	for _, r := range vectorRegister.FindAllStringSubmatch(operands, -1) {
		number, _ := strconv.Atoi(r[2])
		wide = wide || r[1] == "Z"
		masked = masked || r[1] == "K"
		narrow = narrow || r[1] != "Z" && number >= 16
	}
	if strings.Contains(baseline, " "+mnemonic+" ") && !wide && !masked && !narrow {
		return nil
	}
	evex := wide || narrow || masked && mnemonic[0] == 'V'
	err := fmt.Errorf("%s is unknown to this test in that form", mnemonic)
	for _, i := range known.named(mnemonic) {
		extensions := []string{i.vex}
		if only := i.vex == noForm; evex || only {
			extensions = []string{i.evex}
			if !wide && !i.scalar && (narrow || only) {
				extensions = append(extensions, "AVX512VL")
			}
		}
		if extensions[0] == noForm {
			continue
		}
		if err = missing(promised, extensions...); err == nil {
			return nil
		}
	}
	return err
}

var (
	vectorRegister = regexp.MustCompile(`\b([XYZK])(\d+)\b`)
	function       = regexp.MustCompile(`^TEXT ·(\w+)\(SB\)`)
)

// kernelText is the committed assembly, by function, one instruction a line, blanks single.
func kernelText(t *testing.T) map[string][]string {
	t.Helper()
	files, err := filepath.Glob("asm/*_amd64.s")
	if err != nil || len(files) == 0 {
		t.Fatalf("no assembly (%v)", err)
	}
	text := map[string][]string{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := ""
		for line := range strings.Lines(string(source)) {
			if m := function.FindStringSubmatch(line); m != nil {
				name = m[1]
				text[name] = nil
			} else if strings.HasPrefix(line, "\t") {
				text[name] = append(text[name], strings.Join(strings.Fields(line), " "))
			}
		}
	}
	return text
}

// The committed assembly keeps to what each kernel's guard promises.
func TestKernelTextIsGuarded(t *testing.T) {
	known := instructions()
	for name, lines := range kernelText(t) {
		promised, err := promised(name)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, line := range lines {
			if err := checkLine(line, promised, known); err != nil {
				t.Errorf("%s: %s: %v", name, line, err)
				break
			}
		}
	}
}

// linkedKernels is the machine code of the kernels in this program, by function.
func linkedKernels() map[string][]byte {
	const step = 16 // functions begin at its multiples
	start := reflect.ValueOf(asm.DotAVX2).Pointer()
	inPackage := func(pc uintptr) *runtime.Func {
		f := runtime.FuncForPC(pc)
		if f == nil || !strings.HasPrefix(f.Name(), asmPrefix) {
			return nil
		}
		return f
	}
	for inPackage(start-step) != nil {
		start -= step
	}
	code := map[string][]byte{}
	for pc := inPackage(start).Entry(); inPackage(pc) != nil; {
		f := inPackage(pc)
		end := f.Entry() + step
		for next := inPackage(end); next != nil && next.Entry() == f.Entry(); next = inPackage(end) {
			end += step
		}
		name := strings.TrimPrefix(f.Name(), asmPrefix)
		if file, _ := f.FileLine(f.Entry()); strings.HasSuffix(file, ".s") {
			code[name] = bytesAt(f.Entry(), int(end-f.Entry()))
		}
		pc = end
	}
	return code
}

// bytesAt reads the program's own code.
func bytesAt(address uintptr, n int) []byte {
	start := *(*unsafe.Pointer)(unsafe.Pointer(&address))
	return bytes.Clone(unsafe.Slice((*byte)(start), n))
}

// The machine code in this program keeps to what each kernel's guard promises, whatever its text says.
func TestLinkedKernelsAreGuarded(t *testing.T) {
	known, code := instructions(), linkedKernels()
	for _, name := range slices.Sorted(maps.Keys(kernelText(t))) {
		if len(code[name]) == 0 {
			t.Errorf("%s is not in the program: does a path use it?", name)
			continue
		}
		promised, err := promised(name)
		if err == nil {
			err = checkCode(code[name], promised, known)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
