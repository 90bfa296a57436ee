package rng

import (
	"math"
	"testing"
)

// Random123's known-answer vectors for philox4x32-10 (kat_vectors in its distribution).
func TestPhiloxKnownAnswers(t *testing.T) {
	for _, c := range []struct {
		counter [4]uint32
		key     [2]uint32
		want    [4]uint32
	}{
		{[4]uint32{}, [2]uint32{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{[4]uint32{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, [2]uint32{0xffffffff, 0xffffffff},
			[4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, [2]uint32{0xa4093822, 0x299f31d0},
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	} {
		if got := philox(c.counter, c.key); got != c.want {
			t.Errorf("philox(%08x, %08x) = %08x, want %08x", c.counter, c.key, got, c.want)
		}
	}
}

func TestUint32IsAWordOfItsBlock(t *testing.T) {
	for col := range uint32(9) {
		if got, want := Uint32(7, Hide, 3, 5, col), Block(7, Hide, 3, 5, col/4)[col%4]; got != want {
			t.Errorf("column %d: %08x, want %08x", col, got, want)
		}
	}
}

func TestUnitIsHalfOpenAndExact(t *testing.T) {
	if Unit(0) != 0 {
		t.Error("Unit(0) is not 0: rate 0 could hide a token")
	}
	if got := Unit(math.MaxUint32); got >= 1 {
		t.Errorf("Unit(max) = %v: rate 1 could miss a token", got)
	}
}

func TestPurposesDoNotOverlap(t *testing.T) {
	seen := map[Purpose]bool{}
	for _, p := range []Purpose{Hide, Window, Edge, Dropout, Rows, Init, Sample, Corpus, Probe} {
		for _, layer := range []int{0, 1, 4095} {
			for _, head := range []int{0, 1, 4095} {
				if q := p.At(layer, head); seen[q] {
					t.Errorf("purpose %x seen twice", q)
				} else {
					seen[q] = true
				}
			}
		}
	}
}

// The bounds are five standard errors of the sample moments.
func TestMoments(t *testing.T) {
	const n = 200_000
	var sum, sum2, gauss, gauss2 float64
	for i := range uint32(n) {
		u := float64(Uniform(1, Probe, 0, 0, i))
		sum, sum2 = sum+u, sum2+u*u
		g := Normal(1, Probe, 1, 0, i)
		gauss, gauss2 = gauss+g, gauss2+g*g
	}
	se := 5 / math.Sqrt(n)
	for _, c := range []struct {
		name             string
		got, want, bound float64
	}{
		{"mean of uniform", sum / n, 0.5, se * math.Sqrt(1.0/12)},
		{"second moment of uniform", sum2 / n, 1.0 / 3, se * math.Sqrt(4.0/45)},
		{"mean of normal", gauss / n, 0, se},
		{"variance of normal", gauss2 / n, 1, se * math.Sqrt2},
	} {
		if math.Abs(c.got-c.want) > c.bound {
			t.Errorf("%s = %v, want %v ± %v", c.name, c.got, c.want, c.bound)
		}
	}
}

func TestBelow(t *testing.T) {
	var count [7]int
	for i := range uint32(70_000) {
		count[Below(3, Window, 1, 2, i, 7)]++
	}
	for v, c := range count {
		if math.Abs(float64(c)-10_000) > 5*math.Sqrt(10_000*6.0/7) {
			t.Errorf("value %d drawn %d times of 70000", v, c)
		}
	}
}
