package metrics

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"dmtrain/internal/mask"
)

// nullsAreEqual: what is not finite is null in the file.
var nullsAreEqual = cmp.Comparer(func(a, b Number) bool {
	return a == b || a-a != 0 && b-b != 0
})

func open(t testing.TB, path string, size int64) *Log {
	t.Helper()
	l, err := OpenLog(path, size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func add(t testing.TB, l *Log, records ...any) {
	t.Helper()
	for _, r := range records {
		if err := l.Write(r); err != nil {
			t.Fatal(err)
		}
	}
}

func content(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func overwrite(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// records reads a log that must be without fault.
func records(t testing.TB, path string) []Record {
	t.Helper()
	var list []Record
	for r, err := range ReadFile(path) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
	}
	return list
}

func steps(t testing.TB, path string) []int {
	t.Helper()
	var list []int
	for _, r := range records(t, path) {
		list = append(list, r.Step.Step)
	}
	return list
}

// The keys are what other programs rely on.
func TestRecordsAsTheyStandInTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	l := open(t, path, 0)
	add(t, l,
		&Step{
			Step:     1,
			Loss:     5.5,
			LR:       1e-5,
			GradNorm: 2,
			Tokens:   512,
			Hidden:   0.25,
			Time:     Time{ElapsedS: 1.5, TokensPerS: 1000},
		},
		&Step{
			Step:     2,
			Loss:     Number(math.NaN()),
			GradNorm: Number(math.Inf(1)),
			Skipped:  true,
		},
		&Eval{
			Step:        2,
			ValidLoss:   1,
			Perplexity:  2.5,
			BitsPerByte: 0.5,
			Accuracy:    0.75,
			ECE:         0.125,
			Tokens:      9,
			Infill:      &Infill{Loss: 0.5, Accuracy: 1, Tokens: 3},
			Best:        true,
		},
		&Eval{Step: 3, ValidLoss: 1000, Perplexity: Number(Perplexity(1000))},
	)
	want := `{"kind":"step","step":1,"loss":5.5,"lr":0.00001,"grad_norm":2,"tokens":512,` +
		`"skipped":false,"hidden":0.25,"time":{"elapsed_s":1.5,"tokens_per_s":1000}}
{"kind":"step","step":2,"loss":null,"lr":0,"grad_norm":null,"tokens":0,` +
		`"skipped":true,"hidden":0,"time":{"elapsed_s":0}}
{"kind":"eval","step":2,"valid_loss":1,"perplexity":2.5,"bits_per_byte":0.5,"accuracy":0.75,` +
		`"ece":0.125,"tokens":9,"infill":{"loss":0.5,"accuracy":1,"tokens":3},"best":true,"time":{"elapsed_s":0}}
{"kind":"eval","step":3,"valid_loss":1000,"perplexity":null,"accuracy":0,"ece":0,"tokens":0,"best":false,` +
		`"time":{"elapsed_s":0}}
`
	if diff := cmp.Diff(want, content(t, path)); diff != "" {
		t.Error(diff)
	}
	if size, err := l.Sync(); err != nil || size != int64(len(want)) {
		t.Errorf("size %d, %v; want %d", size, err, len(want))
	}
}

func TestRecordsComeBackAsWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	l := open(t, path, 0)
	step := &Step{
		Step:     1,
		Loss:     Number(math.NaN()),
		LR:       1.0 / 3,
		GradNorm: 0.1,
		Tokens:   3,
		Mask:     &mask.Record{Openness: []float64{0.1, 1.0 / 3}, Tiles: 7},
	}
	eval := &Eval{
		Step:      1,
		ValidLoss: 2.0 / 3,
		Infill:    &Infill{Loss: 1},
		Best:      true,
	}
	add(t, l, step, eval)
	want := []Record{{Step: step}, {Eval: eval}}
	if diff := cmp.Diff(want, records(t, path), nullsAreEqual); diff != "" {
		t.Error(diff)
	}
}

func TestResumingCutsWhatCameAfterTheCheckpoint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	l := open(t, path, 0)
	add(t, l, &Step{Step: 1}, &Step{Step: 2})
	size, err := l.Sync()
	if err != nil {
		t.Fatal(err)
	}
	before := content(t, path)
	add(t, l, &Step{Step: 3}, &Step{Step: 4})
	l.Close()
	overwrite(t, path, content(t, path)+`{"kind":"st`) // the process was killed while writing
	l = open(t, path, size)
	if content(t, path) != before {
		t.Error("not cut at the checkpoint")
	}
	add(t, l, &Step{Step: 3})
	if diff := cmp.Diff([]int{1, 2, 3}, steps(t, path)); diff != "" {
		t.Error(diff)
	}
}

// However often a run is killed and resumed, its log has every step once, in order.
func TestKillsAndResumesLeaveEveryStepOnce(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		path := filepath.Join(dir, "metrics.jsonl")
		os.Remove(path)
		var size int64
		saved := 0
		for range rapid.IntRange(1, 5).Draw(rt, "processes") {
			l := open(t, path, size)
			step := saved
			for range rapid.IntRange(0, 6).Draw(rt, "steps") {
				step++
				add(t, l, &Step{Step: step, Loss: Number(rapid.Float64().Draw(rt, "loss"))})
				if rapid.Bool().Draw(rt, "save") {
					var err error
					if size, err = l.Sync(); err != nil {
						rt.Fatal(err)
					}
					saved = step
				}
			}
			l.Close()
			text := content(t, path)
			overwrite(t, path, text[:rapid.IntRange(int(size), len(text)).Draw(rt, "torn at")])
		}
		l := open(t, path, size)
		for step := saved + 1; step <= 12; step++ {
			add(t, l, &Step{Step: step})
		}
		l.Close()
		list := steps(t, path)
		for i, step := range list {
			if step != i+1 {
				rt.Fatalf("steps %v", list)
			}
		}
		if want := max(12, saved); len(list) != want {
			rt.Fatalf("%d steps, want %d", len(list), want)
		}
	})
}

func TestLogsThatDoNotFitTheCheckpoint(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "metrics.jsonl")
	overwrite(t, path, "{}\n{}\n")
	for size, want := range map[int64]string{7: "6 bytes long, but had 7", 5: "no line ends at byte 5"} {
		if _, err := OpenLog(path, size); err == nil || !strings.Contains(err.Error(), want) ||
			!strings.Contains(err.Error(), path) {
			t.Errorf("size %d: error %v, want %q", size, err, want)
		}
		if content(t, path) != "{}\n{}\n" {
			t.Fatal("a log that was refused was changed")
		}
	}
	gone := filepath.Join(dir, "gone.jsonl")
	l := open(t, gone, 100)
	add(t, l, &Step{Step: 8})
	if size, err := l.Sync(); err != nil || size != int64(len(content(t, gone))) {
		t.Errorf("a log begun anew: size %d, %v", size, err)
	}
	if _, err := OpenLog(filepath.Join(dir, "no", "log"), 0); err == nil {
		t.Error("a log in no directory was opened")
	}
}

func TestReadingWhatOthersWrote(t *testing.T) {
	const step = `{"kind":"step","step":1}` + "\n"
	for _, c := range []struct {
		name, text string
		records    int
		err        string
	}{
		{"empty", "", 0, ""},
		{"whole", step + step, 2, ""},
		{"torn", step + step[:10], 1, ""},
		{"torn just before its end", step + step[:len(step)-1], 1, ""},
		{"nothing but a torn line", step[:10], 0, ""},
		{"a kind of the future", `{"kind":"weather","step":"sunny"}` + "\n" + step, 1, ""},
		{"no JSON in the middle", step + "oops\n" + step, 1, "2: not a record"},
		{"an empty line", step + "\n" + step, 1, "2: not a record"},
		{"wrong type", step + `{"kind":"eval","step":"x"}` + "\n", 1, "2: not a record"},
		{"zeros after loss of power", step + "\x00\x00\x00\n", 1, "2: not a record"},
		{"an endless line", step + strings.Repeat("x", maxLine+1), 1, "2: bufio.Scanner: token too long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, text := 0, ""
			for _, err := range Read(strings.NewReader(c.text)) {
				if err != nil {
					text = err.Error()
				} else {
					n++
				}
			}
			if n != c.records || c.err == "" && text != "" || !strings.HasPrefix(text, c.err) {
				t.Errorf("%d records and error %q, want %d and %q", n, text, c.records, c.err)
			}
		})
	}
}

func TestReadingNamesTheFileAndStopsWhenTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	for _, err := range ReadFile(path) {
		if !errors.Is(err, os.ErrNotExist) {
			t.Errorf("error %v", err)
		}
	}
	overwrite(t, path, `{"kind":"step"}`+"\noops\n")
	n := 0
	for _, err := range ReadFile(path) {
		if n++; n == 2 && (err == nil || !strings.HasPrefix(err.Error(), path+":2: ")) {
			t.Errorf("error %v", err)
		}
	}
	if n != 2 {
		t.Errorf("%d results", n)
	}
	for range ReadFile(path) {
		break
	}
}

func TestWritingNoRecordPanics(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "x"), 0)
	defer func() {
		if recover() == nil {
			t.Error("did not panic")
		}
	}()
	l.Write(Step{})
}

// FuzzRead: no log makes reading panic, and records that were read can be written and read again.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"kind":"step","step":1,"loss":null,"mask":{"openness":[0.5]},"time":{"elapsed_s":1}}` + "\n"))
	f.Add([]byte(`{"kind":"eval","step":2,"infill":{"loss":1}}` + "\nx\n"))
	path := filepath.Join(f.TempDir(), "metrics.jsonl")
	f.Fuzz(func(t *testing.T, text []byte) {
		var want []Record
		l := open(t, path, 0)
		for r, err := range Read(bytes.NewReader(text)) {
			switch {
			case err != nil:
			case r.Step != nil:
				add(t, l, r.Step)
				want = append(want, r)
			default:
				add(t, l, r.Eval)
				want = append(want, r)
			}
		}
		l.Close()
		if diff := cmp.Diff(want, records(t, path), nullsAreEqual); diff != "" {
			t.Error(diff)
		}
	})
}

func BenchmarkWrite(b *testing.B) {
	l := open(b, filepath.Join(b.TempDir(), "metrics.jsonl"), 0)
	s := &Step{
		Step:     1,
		Loss:     2.5,
		LR:       1e-3,
		GradNorm: 1.25,
		Tokens:   2048,
		Mask:     &mask.Record{Openness: []float64{0.5}},
	}
	b.ReportAllocs()
	for b.Loop() {
		add(b, l, s)
	}
}
