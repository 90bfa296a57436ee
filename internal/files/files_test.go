package files

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

const holderEnv = "DMTRAIN_TEST_HOLD"

func TestMain(m *testing.M) {
	if path := os.Getenv(holderEnv); path != "" {
		l, err := TryLock(path)
		fmt.Println("held:", err)
		time.Sleep(time.Minute)
		runtime.KeepAlive(l)
	}
	os.Exit(m.Run())
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// holds fails unless dir has these files and no others: name=content.
func holds(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		text, _ := os.ReadFile(filepath.Join(dir, e.Name()))
		got = append(got, e.Name()+"="+string(text))
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s holds %q, want %q", dir, got, want)
	}
}

func TestWriteReplacesOrLeavesAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b")
	if err := Write(filepath.Join(dir, "x"), nil); !errors.Is(err, fs.ErrNotExist) ||
		!strings.Contains(err.Error(), filepath.Join(dir, "x")) {
		t.Errorf("no directory: %v", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "taken"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"one", "", "three"} {
		if err := Write(filepath.Join(dir, "x"), []byte(text)); err != nil {
			t.Fatal(err)
		}
		holds(t, dir, "taken=", "x="+text)
	}
	if err := Write(filepath.Join(dir, "taken"), []byte("no")); err == nil || strings.Contains(err.Error(), ".tmp-") {
		t.Errorf("over a directory: %v", err)
	}
	holds(t, dir, "taken=", "x=three")
}

func TestPendingIsNotThereBeforeItsCommit(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	put(t, path, "old")
	for _, commit := range []bool{false, true} {
		p, err := Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Write([]byte("new")); err != nil {
			t.Fatal(err)
		}
		if text, _ := os.ReadFile(path); string(text) != "old" {
			t.Errorf("%q before Commit", text)
		}
		if commit {
			err = p.Commit()
		}
		p.Discard()
		if err != nil {
			t.Fatal(err)
		}
	}
	holds(t, dir, "x=new")
}

func TestNewFilesAreForAllToRead(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("permissions are inherited from the directory there")
	}
	path := filepath.Join(t.TempDir(), "x")
	put(t, path+"-as-usual", "")
	usual, err := os.Stat(path + "-as-usual")
	if err != nil {
		t.Fatal(err)
	}
	if err := Write(path, nil); err != nil {
		t.Fatal(err)
	}
	if got, err := os.Stat(path); err != nil || got.Mode() != usual.Mode() {
		t.Errorf("mode %v, %v; want %v", got.Mode(), err, usual.Mode())
	}
}

func TestRenameTakesADirectoryWithWhatIsInIt(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "from"), 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "from", "x"), "1")
	if err := Rename(filepath.Join(dir, "from"), filepath.Join(dir, "to")); err != nil {
		t.Fatal(err)
	}
	holds(t, filepath.Join(dir, "to"), "x=1")
	if err := Rename(filepath.Join(dir, "from"), filepath.Join(dir, "again")); !errors.Is(err, fs.ErrNotExist) ||
		InUse(err) {
		t.Errorf("of nothing: %v", err)
	}
	if err := SyncDir(dir, (*os.File).Sync); err != nil {
		t.Error(err)
	}
	if err := errors.Join(RemoveAll(filepath.Join(dir, "to")), RemoveAll(filepath.Join(dir, "to"))); err != nil {
		t.Error(err)
	}
	holds(t, dir)
}

func TestLockIsHeldByOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".lock")
	first, err := TryLock(path)
	if err != nil {
		t.Fatal(err)
	}
	put(t, path, "42")
	if text, err := os.ReadFile(path); string(text) != "42" {
		t.Errorf("a locked file holds %q, %v", text, err)
	}
	if _, err := TryLock(path); !errors.Is(err, ErrLocked) {
		t.Errorf("locked twice: %v", err)
	}
	if err := first.Unlock(); err != nil {
		t.Fatal(err)
	}
	second, err := TryLock(path)
	if err != nil {
		t.Fatal(err)
	}
	second.Unlock()
	if _, err := TryLock(filepath.Join(path, "x")); err == nil || errors.Is(err, ErrLocked) ||
		!strings.Contains(err.Error(), path) {
		t.Errorf("under a file: %v", err)
	}
}

func TestLockEndsWithItsProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".lock")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holderEnv+"="+path)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); strings.TrimSpace(line) != "held: <nil>" {
		t.Errorf("%q, %v", line, err)
	}
	if _, err := TryLock(path); !errors.Is(err, ErrLocked) {
		t.Errorf("while another process holds it: %v", err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	l, err := TryLock(path)
	if err != nil {
		t.Fatalf("after that was killed: %v", err)
	}
	l.Unlock()
}

func TestNamesStandForDirectoriesInBothForms(t *testing.T) {
	dir := t.TempDir()
	want := filepath.Join(dir, "steps", "one")
	if err := os.MkdirAll(want, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Point(filepath.Join(dir, "made"), filepath.Join("steps", "one")); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "written"), "steps/one\n")
	for _, name := range []string{"made", "written"} {
		path := filepath.Join(dir, name)
		if target, err := Pointed(path); err != nil || target != filepath.Join("steps", "one") {
			t.Errorf("%s stands for %q, %v", name, target, err)
		}
		put(t, filepath.Join(want, "x"), name)
		found, err := Directory(path)
		if text, _ := os.ReadFile(filepath.Join(found, "x")); string(text) != name {
			t.Errorf("%s leads to %q, %v", name, found, err)
		}
	}
	if found, err := Directory(want); found != want || err != nil {
		t.Errorf("%s leads to %s, %v", want, found, err)
	}
}

func TestWhatNamesNoDirectoryIsRefused(t *testing.T) {
	dir := t.TempDir()
	for _, text := range []string{"", "steps/one", "steps/one\r\n", "steps/one\ntwo\n", "../steps\n", "/etc\n", "\n",
		strings.Repeat("x/", pointerBytes) + "\n"} {
		path := filepath.Join(dir, "x")
		put(t, path, text)
		if target, err := Pointed(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%.20q stands for %q, %v", text, target, err)
		}
		if _, err := Directory(path); err == nil || err.Error() != path+": not a directory" {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	put(t, filepath.Join(dir, "y"), "gone\n")
	for _, name := range []string{"y", "z"} {
		if _, err := Directory(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	put(t, filepath.Join(dir, "y"), "x\n")
	if _, err := Directory(filepath.Join(dir, "y")); err == nil ||
		!strings.Contains(err.Error(), "which is not a directory") {
		t.Errorf("of a file: %v", err)
	}
}

func TestQuotedIsOneWord(t *testing.T) {
	words := map[string]string{
		"runs/x-1": "runs/x-1",
		"my runs":  "'my runs'",
		"it's":     `'it'\''s'`,
		"$x":       "'$x'",
		"":         "''",
	}
	if runtime.GOOS == "windows" {
		words = map[string]string{
			`C:\runs\x-1`: `C:\runs\x-1`,
			`C:\my runs`:  `"C:\my runs"`,
			"it's":        `"it's"`,
			"a&b":         `"a&b"`,
			"":            `""`,
		}
	}
	for path, want := range words {
		if got := Quoted(path); got != want {
			t.Errorf("%s becomes %s, want %s", path, got, want)
		}
	}
}
