package metrics

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"dmtrain/internal/mask"
)

// opening is a history of so many steps in which openness rises evenly to 1.
func opening(steps int) (masks []MaskStep, at []int) {
	for i := range steps {
		u := float64(i) / float64(max(steps-1, 1))
		masks = append(masks, MaskStep{i + 1, mask.Record{
			Openness:     []float64{u, u},
			Reliability:  []float64{u / 2, u / 2},
			MaxWindow:    []int{int(16 * u), int(16 * u)},
			Rate:         []float64{0.15, 0.15},
			MeanWindow:   7 * u,
			InfillTokens: 9,
		}})
		at = append(at, i+1)
	}
	return masks, at
}

func TestReadMasks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	if masks, steps, err := ReadMasks(path); masks != nil || steps != 0 || err != nil {
		t.Errorf("a log that is not there: %v, %d steps, %v", masks, steps, err)
	}
	log, err := OpenLog(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	want, _ := opening(3)
	for i := range want {
		if err := log.Write(&Step{Step: i + 1, Mask: &want[i].Record}); err != nil {
			t.Fatal(err)
		}
		if err := log.Write(&Eval{Step: i + 1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Write(&Step{Step: 4}); err != nil {
		t.Fatal(err)
	}
	appendTo(t, path, `{"kind":"step","step":5,"mask":{"openn`) // being written
	masks, steps, err := ReadMasks(path)
	if err != nil || steps != 4 || len(masks) != 3 || masks[2].Step != 3 || masks[2].Openness[0] != 1 {
		t.Errorf("%+v, %d steps, %v", masks, steps, err)
	}
	appendTo(t, path, "torn\n")
	if _, _, err := ReadMasks(path); err == nil || !strings.Contains(err.Error(), "metrics.jsonl:8:") {
		t.Errorf("a broken line: %v", err)
	}
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func TestCharts(t *testing.T) {
	masks, steps := opening(31)
	var b strings.Builder
	if err := Charts(&b, steps, MaskPanels(masks), ChartOptions{Width: 43, ASCII: true}); err != nil {
		t.Fatal(err)
	}
	want := `openness and reliability:  # openness u  . reliability R
   1.00 |                            ##
   0.90 |                         ####
   0.80 |                      ####
   0.70 |                   ####
   0.60 |                ####
   0.50 |             ####         ....
   0.40 |          ####      .......
   0.30 |       ####   .......
   0.20 |    ####.......
   0.10 | ####....
   0.00 +##.
        ++-------+------+-------+------+
         1       8     16      24     31
`
	if got := b.String(); !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if !strings.HasSuffix(b.String(),
		"\nrate: how often a token is hidden, in rows that are no anchors: rate p 0.15 throughout\n") {
		t.Errorf("what does not move is drawn:\n%s", b.String())
	}
}

// Charts of any length fit their width, and are plain where they have to be.
func TestChartsFit(t *testing.T) {
	for _, n := range []int{1, 2, 3, 50, 777, 20_000} {
		masks, steps := opening(n)
		for _, width := range []int{20, 40, 80, 133} {
			for _, ascii := range []bool{true, false} {
				var b strings.Builder
				if err := Charts(&b, steps, MaskPanels(masks), ChartOptions{Width: width, ASCII: ascii}); err != nil {
					t.Fatal(err)
				}
				for line := range strings.Lines(b.String()) {
					titled := strings.Contains(line, ":")
					if utf8.RuneCountInString(strings.TrimSpace(line)) > width && !titled {
						t.Errorf("%d steps in %d columns: %q", n, width, line)
					}
					if ascii && strings.IndexFunc(line, func(r rune) bool { return r > 126 }) >= 0 {
						t.Errorf("not ASCII: %q", line)
					}
				}
			}
		}
	}
}

// Form input has no slots, and so no windows.
func TestPanelsOfWhatThereIs(t *testing.T) {
	masks, _ := opening(5)
	if n := len(MaskPanels(masks)); n != 3 {
		t.Errorf("%d panels of form infill, want 3", n)
	}
	for i := range masks {
		masks[i].InfillTokens = 0
	}
	if n := len(MaskPanels(masks)); n != 2 {
		t.Errorf("%d panels of form input, want 2", n)
	}
}

func TestPicture(t *testing.T) {
	for _, n := range []int{1, 2, 5000} {
		masks, steps := opening(n)
		file, err := Picture(steps, MaskPanels(masks))
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		colors := map[[3]uint8]int{}
		for y := range img.Bounds().Dy() {
			for x := range img.Bounds().Dx() {
				r, g, b, _ := img.At(x, y).RGBA()
				colors[[3]uint8{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8)}]++
			}
		}
		for _, c := range curveColors {
			if drawn := colors[[3]uint8{c.R, c.G, c.B}]; drawn < 50 {
				t.Errorf("%d steps: only %d pixels have the colour %v", n, drawn, c)
			}
		}
	}
}
