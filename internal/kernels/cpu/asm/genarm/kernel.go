//go:build generate

package main

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"
)

// A vector of eight lanes is a pair of registers, so that two instructions of every kind are under way at once. What
// remains of an array goes one element at a time, in the lowest lane of a single register whose other lanes begin as
// 0.
const (
	lanes    = 8
	quad     = 4         // lanes of a register
	regBytes = 4 * quad  // of a register
	vecBytes = 4 * lanes // of a vector
	pair     = lanes / quad
)

type (
	vec  []int // vector registers side by side; one that is combined with two serves both
	gp   int   // a general register
	lane struct{ reg, index int }
)

// usable are the general registers that Go's assembly may change: 18 is the platform's, 27 the assembler's, 28 and
// above Go's.
const usable = 1<<27 - 1 - 1<<18

// kernel is a function while it is written.
type kernel struct {
	name, signature string
	doc             []string
	params          []param
	results         []param
	argBytes        int

	body         strings.Builder
	width        int    // registers of a new vector
	vectors, gps uint32 // registers that are taken
	labels       int
}

// param is a parameter or result: where it lies in the frame, and its bytes.
type param struct {
	name     string
	at, size int
}

// newKernel begins a function. Everything it knows of the caller is its parameters.
func newKernel(name, params string, doc ...string) *kernel {
	return newKernelWithResults(name, params, "", doc...)
}

func newKernelWithResults(name, params, results string, doc ...string) *kernel {
	k := &kernel{name: name + "NEON", signature: "(" + params + ")", doc: doc, width: pair, gps: ^uint32(usable)}
	end := 0
	k.params, end = layOut(params, 0)
	if results != "" {
		k.signature += " (" + results + ")"
		k.results, end = layOut(results, roundUp(end, 8))
	}
	k.argBytes = end
	return k
}

var sizes = map[string]int{"[]float32": 24, "[]int32": 24, "int": 8, "float64": 8, "float32": 4, "uint32": 4}

func layOut(list string, at int) ([]param, int) {
	var all []param
	for _, p := range strings.Split(list, ", ") {
		name, kind, _ := strings.Cut(p, " ")
		size, ok := sizes[kind]
		if !ok {
			panic("unknown type in " + p)
		}
		at = roundUp(at, min(size, 8))
		all = append(all, param{name, at, size})
		at += size
	}
	return all, at
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }

func (k *kernel) assembly() string {
	return fmt.Sprintf("\n// func %s%s\nTEXT ·%s(SB), NOSPLIT, $0-%d\n%s\tRET\n", k.name, k.signature, k.name, k.argBytes, k.body.String())
}

func (k *kernel) stub() string {
	return fmt.Sprintf("\n// %s %s\n//\n//go:noescape\nfunc %s%s\n", k.name, strings.Join(k.doc, "\n// "), k.name, k.signature)
}

// ins writes one of Go's instructions.
func (k *kernel) ins(format string, args ...any) {
	fmt.Fprintf(&k.body, "\t"+format+"\n", args...)
}

func (k *kernel) label(name string) string {
	k.labels++
	return fmt.Sprintf("%s%d", name, k.labels)
}

func (k *kernel) place(label string) { fmt.Fprintf(&k.body, "\n%s:\n", label) }

func (r gp) String() string { return fmt.Sprintf("R%d", int(r)) }

// take claims a register.
func take(taken *uint32, kind, kernel string) int {
	i := bits.TrailingZeros32(^*taken)
	if i == 32 {
		panic(kernel + ": no " + kind + " register is left")
	}
	*taken |= 1 << i
	return i
}

// vecs, vec, single and reg claim registers until the enclosing scope ends.
func (k *kernel) vec() vec { return k.registers(k.width) }

func (k *kernel) single() vec { return k.registers(1) }

func (k *kernel) registers(n int) vec {
	v := make(vec, n)
	for i := range v {
		v[i] = take(&k.vectors, "vector", k.name)
	}
	return v
}

func (k *kernel) reg() gp { return gp(take(&k.gps, "general", k.name)) }

// free gives registers back before the scope ends.
func (k *kernel) free(all ...vec) {
	for _, v := range all {
		for _, r := range v {
			k.vectors &^= 1 << r
		}
	}
}

// scope gives back what body claims.
func (k *kernel) scope(body func()) {
	vectors, gps := k.vectors, k.gps
	body()
	k.vectors, k.gps = vectors, gps
}

func (k *kernel) find(list []param, name string) param {
	i := slices.IndexFunc(list, func(p param) bool { return p.name == name })
	if i < 0 {
		panic(k.name + " has no " + name)
	}
	return list[i]
}

// pointer loads a slice parameter's base, length its length, number an int.
func (k *kernel) pointer(name string) gp {
	return k.argument(name+"_base", k.find(k.params, name).at)
}

func (k *kernel) length(name string) gp { return k.argument(name+"_len", k.find(k.params, name).at+8) }

func (k *kernel) number(name string) gp { return k.argument(name, k.find(k.params, name).at) }

func (k *kernel) argument(name string, at int) gp {
	r := k.reg()
	k.ins("MOVD %s+%d(FP), %s", name, at, r)
	return r
}

// reload sets r to a slice parameter's base again.
func (k *kernel) reload(r gp, name string) {
	k.ins("MOVD %s_base+%d(FP), %s", name, k.find(k.params, name).at, r)
}

// stride loads an int parameter that counts float32 and turns it into bytes.
func (k *kernel) stride(name string) gp {
	r := k.number(name)
	k.ins("LSL $2, %s, %s", r, r)
	return r
}

func (k *kernel) copyOf(r gp) gp {
	c := k.reg()
	k.ins("MOVD %s, %s", r, c)
	return c
}

// scalar is a float32 or uint32 parameter in every lane.
func (k *kernel) scalar(name string) vec {
	v := k.single()
	k.ins("FMOVS %s+%d(FP), F%d", name, k.find(k.params, name).at, v[0])
	k.ins("VDUP V%d.S[0], V%d.S4", v[0], v[0])
	return v
}

// give stores the lowest lane as a result.
func (k *kernel) give(v vec, name string) {
	p := k.find(k.results, name)
	if p.size == 8 {
		k.ins("FMOVD F%d, %s+%d(FP)", v[0], name, p.at)
		return
	}
	k.ins("FMOVS F%d, %s+%d(FP)", v[0], name, p.at)
}

// constant is x in every lane.
func (k *kernel) constant(x float32) vec { return k.words(math.Float32bits(x)) }

func (k *kernel) words(w uint32) vec {
	v := k.single()
	k.fill(v[0], [quad]uint32{w, w, w, w})
	return v
}

func (k *kernel) fill(reg int, w [quad]uint32) {
	k.ins("VMOVQ $0x%08x%08x, $0x%08x%08x, V%d", w[1], w[0], w[3], w[2], reg)
}

// packed holds constants four to a register, for instructions that multiply by one lane.
func (k *kernel) packed(x ...float32) []lane {
	var all []lane
	for from := 0; from < len(x); from += quad {
		var w [quad]uint32
		reg := k.single()[0]
		for i, v := range x[from:min(from+quad, len(x))] {
			w[i] = math.Float32bits(v)
			all = append(all, lane{reg, i})
		}
		k.fill(reg, w)
	}
	return all
}

// load and store move a vector at p: a pair whole, a single register's lowest lane (the others load as 0). The next
// forms move p past it.
func (k *kernel) load(p gp) vec { return k.loadStep(p, "", vecBytes, 4) }

func (k *kernel) loadNext(p gp) vec { return k.loadStep(p, ".P", vecBytes, 4) }

func (k *kernel) loadStep(p gp, suffix string, whole, one int) vec {
	v := k.vec()
	k.loadInto(v, p, suffix, whole, one)
	return v
}

func (k *kernel) loadInto(v vec, p gp, suffix string, whole, one int) {
	if suffix == "" {
		whole, one = 0, 0
	}
	if len(v) == pair {
		k.ins("FLDPQ%s %d(%s), (F%d, F%d)", suffix, whole, p, v[0], v[1])
		return
	}
	k.ins("FMOVS%s %d(%s), F%d", suffix, one, p, v[0])
}

func (k *kernel) store(v vec, p gp) { k.storeStep(v, p, "", 0, 0) }

func (k *kernel) storeNext(v vec, p gp) { k.storeStep(v, p, ".P", vecBytes, 4) }

func (k *kernel) storeStep(v vec, p gp, suffix string, whole, one int) {
	if len(v) == pair {
		k.ins("FSTPQ%s (F%d, F%d), %d(%s)", suffix, v[0], v[1], whole, p)
		return
	}
	k.ins("FMOVS%s F%d, %d(%s)", suffix, v[0], one, p)
}

// elements is how many elements a new vector takes from memory.
func (k *kernel) elements() int {
	if k.width == pair {
		return lanes
	}
	return 1
}
