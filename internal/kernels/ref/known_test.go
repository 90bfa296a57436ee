package ref

import (
	"math"
	"testing"

	"dmtrain/internal/kernels"
)

// The numbers in this file were computed by PyTorch 1.13 in float64.

// near compares with twelve printed digits, or fewer where a float32 lies between.
func near(t *testing.T, name string, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s has %d elements, want %d", name, len(got), len(want))
	}
	for i := range got {
		if !(math.Abs(got[i]-want[i]) <= tolerance*(1+math.Abs(want[i]))) {
			t.Errorf("%s[%d] = %.12g, want %.12g", name, i, got[i], want[i])
		}
	}
}

const printed = 1e-11

func TestGeluIsPyTorchs(t *testing.T) {
	x := []float64{-4, -1.5, -0.25, 0, 0.5, 1, 3}
	near(t, "gelu", each(x, gelu), []float64{
		-7.02459481923e-05, -0.10042842302, -0.100324649298, 0, 0.345714009825, 0.841191990608, 2.99636260792,
	}, printed)
	near(t, "slope", each(x, geluSlope), []float64{
		-0.000335123197122, -0.127710793151, 0.304645904849, 0.5, 0.867369903535, 1.08296408385, 1.01158416663,
	}, printed)
}

func TestLayerNormIsPyTorchs(t *testing.T) {
	x := []float64{1, -2, 0.5, 4, 0.25, 0.25, -1, 3}
	weight, bias := []float64{1, 0.5, -2, 1.5}, []float64{0, 1, -1, 0.25}
	dy := []float64{1, -1, 0.5, 2, 0, 3, -0.5, 1}
	y, dx, dweight, dbias := make([]float64, 8), make([]float64, 8), make([]float64, 4), make([]float64, 4)
	for i := 0; i < 8; i += 4 {
		row := x[i:][:4]
		mean, rstd := moments(row, 1e-5)
		layerNorm(y[i:], row, weight, bias, mean, rstd)
		layerNormBackward(dx[i:], dweight, dbias, dy[i:], row, weight, mean, rstd)
	}
	near(t, "y", y, []float64{
		0.0586209737132, 0.325858802299, -0.648274157721, 2.44828651424, -0.256306698643, 0.871846650678, 1.22132472157,
		2.68491363711,
	}, printed)
	near(t, "dx", dx, []float64{
		0.139401158574, 0.311031775588, -0.652687370575, 0.202254436413, -0.64232598206, 0.382900812512, 0.178353706503,
		0.0810714630451,
	}, printed)
	near(t, "dweight", dweight, []float64{0.0586209737132, 0.579362299473, 0.467399719824, 4.55432444373}, printed)
	near(t, "dbias", dbias, []float64{1, 2, 0, 3}, printed)
}

func TestCrossEntropyIsPyTorchs(t *testing.T) {
	logits := [][]float64{{1, 2, 0.5, -1}, {3, 3, -2, 0}, {0.1, 0.2, 0.3, 0.4}}
	want := []classification{
		{nll: 0.495181898086, conf: 0.609460037599, entropy: 1.0144027755, margin: 0.385252219551, argmax: 1},
		{nll: 3.72101767266, conf: 0.486257153464, entropy: 0.810027501735, margin: 0, argmax: 0},
		{nll: 0, conf: 0.288651405157, entropy: 1.38007081124, margin: 0.0274688130023, argmax: 3},
	}
	slopes := [][]float64{
		{0.112103909024, -0.195269981201, 0.0679944578968, 0.0151716142797},
		{0.243128576732, 0.243128576732, 0.00163818746398, -0.487895340928},
		{0, 0, 0, 0},
	}
	for i, target := range []int{1, 3, -1} {
		got := classify(logits[i], target)
		if got.argmax != want[i].argmax {
			t.Errorf("row %d: argmax %d, want %d", i, got.argmax, want[i].argmax)
		}
		near(t, "report", []float64{got.nll, got.conf, got.entropy, got.margin},
			[]float64{want[i].nll, want[i].conf, want[i].entropy, want[i].margin}, printed)
		half := each(crossEntropySlope(logits[i], target), func(g float64) float64 { return g / 2 })
		near(t, "slope", half, slopes[i], printed)
	}
}

// The first query sees keys 0 and 2, the second all, the third none.
func TestAttentionIsPyTorchs(t *testing.T) {
	q := [][]float64{{1, -0.5}, {0.25, 2}, {1, 1}}
	k := [][]float64{{0.5, 1}, {-1, 0.25}, {2, 0}, {0.75, -1.5}}
	v := [][]float64{{1, 2}, {-1, 0.5}, {0.25, -3}, {4, 1}}
	dout := [][]float64{{1, -2}, {0.5, 1}, {3, 3}}
	edges := func(i int) []edge {
		return [][]edge{{{0, 1}, {2, 1}}, {{0, 1}, {1, 1}, {2, 1}, {3, 1}}, nil}[i]
	}
	out, lse := rowsOfWidth(3, 2), make([]float64, 3)
	attend(out, lse, q, k, v, edges)
	near(t, "out", flat(out), []float64{0.39667773812, -2.02214841253, 0.579976112209, 0.751674466091, 0, 0}, printed)
	near(t, "lse", lse, []float64{1.63183528395, 1.98068650518, 0}, printed)
	dq, dk, dv := rowsOfWidth(3, 2), rowsOfWidth(4, 2), rowsOfWidth(4, 2)
	attendBackward(dq, dk, dv, q, k, v, dout, edges)
	near(t, "dq", flat(dq), []float64{1.54350848751, -1.02900565834, -0.627821512758, 0.569768208213, 0, 0}, printed)
	near(t, "dk", flat(dk), []float64{
		-0.869177407651, 1.79312883466, -0.0303196353359, -0.242557082687, 0.892959516454, -1.60287196424,
		0.00653752653322, 0.0523002122658,
	}, printed)
	near(t, "dv", flat(dv), []float64{
		0.505555191656, 0.228829113339, 0.08232693139, 0.16465386278, 0.902675726362, -1.4123672773, 0.00944215059196,
		0.0188843011839,
	}, printed)
}

// One step of torch.optim.AdamW after another, whose settings are not exact in float32: hence the tolerance.
func TestAdamWIsPyTorchs(t *testing.T) {
	step := kernels.AdamW{
		LR:        1e-2,
		Beta1:     0.9,
		Beta2:     0.95,
		Eps:       1e-8,
		Decay:     0.1,
		GradScale: 0.5,
	}
	var m, v float64
	param := 1.0
	for i, c := range [][2]float64{{0.5, 0.989}, {0.25, 0.97861807}, {-3, 0.982486764}, {0, 0.98552668}} {
		step.Step = i + 1
		param, m, v = adamW(param, c[0], m, v, step)
		near(t, "param", []float64{param}, []float64{c[1]}, 5e-8)
	}
	near(t, "moments", []float64{m, v}, []float64{-0.10665, 0.110259375}, 5e-7)
}

func rowsOfWidth(rows, width int) [][]float64 {
	m := make([][]float64, rows)
	for i := range m {
		m[i] = make([]float64, width)
	}
	return m
}

func flat(m [][]float64) []float64 {
	var out []float64
	for _, row := range m {
		out = append(out, row...)
	}
	return out
}
