package mask

import (
	"bytes"
	"image/color"
	"image/png"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestTextFitsItsTerminal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := genRows(t, 2, 150)
		p, s := genPlanner(t, genConfig(t), 150)
		var plan Plan
		p.Plan(&plan, rows, 3, s)
		o := TextOptions{Width: rapid.IntRange(80, 200).Draw(t, "width"), ASCII: rapid.Bool().Draw(t, "ascii")}
		var out strings.Builder
		if err := plan.Text(&out, rows.B-1, rows, o); err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(out.String(), "\n") {
			if n := utf8.RuneCountInString(line); n > o.Width {
				t.Fatalf("a line of %d columns in %d:\n%s", n, o.Width, line)
			}
			if o.ASCII && strings.ContainsFunc(line, func(r rune) bool { return r > 126 }) {
				t.Fatalf("not ASCII: %s", line)
			}
		}
	})
}

func TestTextShowsTokens(t *testing.T) {
	plan, rows := workedPlan(t)
	var out strings.Builder
	o := TextOptions{ASCII: true, Tokens: []string{"the", "cat", "sat", "\n", "on", "mats"}}
	if err := plan.Text(&out, 0, rows, o); err != nil {
		t.Fatal(err)
	}
	want := `step 0, row 0: 6 positions, 1 document, 2 hidden, look-ahead to 1
         > > s > s
0 the  > # ? . . . .
1 cat  > # # ? . . .
2 sat  s # # ? + . .
3 ?    > # # . # ? .
4 on   s # # . # ? +
5 mats   # # . # . #

  . unseen
  # visible
  + visible ahead
  ? its answer, unseen
  > predicts the next token
  s slot
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

// A leak is never averaged away, in text or colour.
func TestOneLeakShowsInALargePicture(t *testing.T) {
	rows := oneDocument(1100)
	p, err := NewPlanner(DefaultConfig(), 1, Run{SeqLen: 1100, Vocab: genVocab})
	if err != nil {
		t.Fatal(err)
	}
	var plan Plan
	p.PlanStatic(&plan, rows, 0)
	plan.Mask.Hi[700] = 701
	var out strings.Builder
	if err := plan.Text(&out, 0, rows, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	picture, _, _ := strings.Cut(out.String(), "\n\n")
	if n := strings.Count(picture, unicodeGlyphs.cells[cellLeak]); n != 1 {
		t.Errorf("%d signs of a leak, want 1", n)
	}
	var file bytes.Buffer
	if err := plan.PNG(&file, 0, rows); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&file)
	if err != nil {
		t.Fatal(err)
	}
	red := 0
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			if color.NRGBAModel.Convert(img.At(x, y)) == cellColors[cellLeak] {
				red++
			}
		}
	}
	if red != 1 {
		t.Errorf("%d red pixels, want 1", red)
	}
}

func TestPNGOfAnyPlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := genRows(t, 2, 10)
		p, s := genPlanner(t, genConfig(t), 10)
		var plan Plan
		p.Plan(&plan, rows, 3, s)
		var file bytes.Buffer
		if err := plan.PNG(&file, 0, rows); err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(&file)
		if err != nil {
			t.Fatal(err)
		}
		if b := img.Bounds(); b.Dx() != b.Dy() || b.Dx() > pngSide+40 {
			t.Fatalf("a picture of %d by %d pixels", b.Dx(), b.Dy())
		}
	})
}
