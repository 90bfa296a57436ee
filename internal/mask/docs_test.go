package mask

import (
	"bytes"
	"flag"
	"image/png"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"dmtrain/internal/batch"
)

var update = flag.Bool("update", false, "redraw the pictures of docs/masks.md")

const docsDir = "../../docs"

// documented is a picture of docs/masks.md: text between "<!-- picture: name -->" and the end of the code block
// after it, or docs/masks/name.png.
type documented struct {
	name string
	png  bool
	rows *batch.Batch
	plan *Plan
}

// docPlan plans a row for the documentation, with openness u.
func docPlan(t *testing.T, c Config, rows *batch.Batch, seed uint64, u float64) *Plan {
	t.Helper()
	c.Anchors = 0
	p, err := NewPlanner(c, seed, Run{SeqLen: rows.T, Vocab: genVocab})
	if err != nil {
		t.Fatal(err)
	}
	plan := new(Plan)
	p.Plan(plan, rows, 0, State{Buckets: []Bucket{{Openness: u}}})
	return plan
}

// docStructure is a static mask over two documents.
func docStructure(structure string, window int) Config {
	c := DefaultConfig()
	c.Structure, c.Window, c.Sinks = structure, window, 1
	return c
}

// packed is a row of documents of the given lengths, and padding up to t positions.
func packed(t int, lengths ...int) *batch.Batch {
	rows := batch.New(1, t)
	for i := range t {
		rows.Next[i], rows.Start[i], rows.End[i] = -1, -1, -1
	}
	start := 0
	for _, n := range lengths {
		for i := start; i < start+n; i++ {
			rows.IDs[i], rows.Next[i], rows.Start[i], rows.End[i] = 1, 1, int32(start), int32(start+n)
		}
		rows.Next[start+n-1] = -1
		start += n
	}
	return rows
}

func documentedPictures(t *testing.T) []documented {
	two, long := packed(12, 7, 5), packed(64, 40, 24)
	worked, workedRows := workedPlan(t)
	input, infill := DefaultConfig(), infillConfig()
	input.Form, input.Prob = FormInput, 0.3
	infill.Prob, infill.MaxWindow = 0.25, 16
	text := []documented{
		{name: "infill", rows: workedRows, plan: worked},
		{name: "input", rows: packed(6, 6), plan: docPlan(t, input, packed(6, 6), 47, 1)},
	}
	for _, s := range []struct {
		name   string
		window int
	}{{StructureCausal, 0}, {StructurePrefix, 4}, {StructureWindow, 3}, {StructureBlocks, 3}, {StructureSinks, 2},
		{StructureLookahead, 1}} {
		text = append(text, documented{
			name: s.name,
			rows: two,
			plan: docPlan(t, docStructure(s.name, s.window), two, 1, 1),
		})
	}
	for _, open := range []struct {
		name string
		u    float64
	}{{"closed", 0}, {"half", 0.5}, {"open", 1}} {
		text = append(text, documented{
			name: open.name,
			png:  true,
			rows: long,
			plan: docPlan(t, infill, long, 4, open.u),
		})
	}
	return text
}

// The pictures in the documentation are what the renderer draws; go test ./internal/mask -run Documented -update
// redraws them.
func TestDocumentedPictures(t *testing.T) {
	path := filepath.Join(docsDir, "masks.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	drawn := string(page)
	for _, d := range documentedPictures(t) {
		if d.png {
			checkPNG(t, d)
		} else {
			drawn = withPicture(t, drawn, d)
		}
	}
	if drawn == string(page) {
		return
	}
	if !*update {
		t.Fatal("docs/masks.md does not show what the renderer draws: run with -update")
	}
	if err := os.WriteFile(path, []byte(drawn), 0o644); err != nil {
		t.Fatal(err)
	}
}

// withPicture is the page with a text picture as it is drawn today.
func withPicture(t *testing.T, page string, d documented) string {
	t.Helper()
	var out strings.Builder
	if err := d.plan.Text(&out, 0, d.rows, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(out.String(), "\n") // without the caption
	head := "<!-- picture: " + d.name + " -->\n```text\n"
	before, after, ok := strings.Cut(page, head)
	_, rest, closed := strings.Cut(after, "```\n")
	if !ok || !closed {
		t.Fatalf("docs/masks.md has no picture %s", d.name)
	}
	return before + head + body + "```\n" + rest
}

// checkPNG compares pixels, not bytes: compression may differ between versions of Go.
func checkPNG(t *testing.T, d documented) {
	t.Helper()
	var drawn bytes.Buffer
	if err := d.plan.PNG(&drawn, 0, d.rows); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(docsDir, "masks", d.name+".png")
	if *update {
		if err := os.WriteFile(path, drawn.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	got, err := png.Decode(&drawn)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s is not what the renderer draws: run with -update", path)
	}
}

// Every test that docs/masks.md says holds something is there.
func TestDocumentedTestsExist(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(docsDir, "masks.md"))
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, pattern := range []string{"../*/*_test.go", "../*/*/*_test.go"} {
		some, err := filepath.Glob(pattern)
		if err != nil || len(some) == 0 {
			t.Fatalf("no tests (%v)", err)
		}
		files = append(files, some...)
	}
	var all strings.Builder
	for _, f := range files {
		code, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(code)
	}
	names := regexp.MustCompile(`\bTest[A-Z]\w+`).FindAllString(string(text), -1)
	if len(names) < 10 {
		t.Errorf("the documentation names %d tests", len(names))
	}
	for _, name := range names {
		if !strings.Contains(all.String(), "func "+name+"(") {
			t.Errorf("docs/masks.md names %s, which is nowhere", name)
		}
	}
}
