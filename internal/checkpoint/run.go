package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"dmtrain/internal/files"
)

// The files and folders of a run directory.
const (
	ConfigFile  = "config.yaml"   // the resolved configuration
	MetricsFile = "metrics.jsonl" // one record a line

	SettingsFile = "dmtrain.yaml" // the configuration inside each checkpoint, for use outside its run

	stepsDir = "checkpoints"
	bestLink = "best"
	lastLink = "last"
	lockFile = ".lock"
)

// Prefixes of temporary names. A run's owner cleans them up when it opens the run.
const (
	tmpPrefix   = ".tmp-"   // being written
	oldPrefix   = ".old-"   // being replaced by the name without the prefix
	trashPrefix = ".trash-" // being deleted
)

// Errors of opening a run; errors.Is finds them.
var (
	ErrRunExists = errors.New("a run is already here: go on with it by --resume, or discard it by --overwrite")
	ErrNoRun     = errors.New("there is no run here")
	ErrRunBusy   = errors.New("another process is training in this run")
)

// Run is a run directory. Its owner (ClaimRun, ResumeRun) holds a lock that ends with the process, however it ends; a
// viewer (ViewRun) may only read.
type Run struct {
	Dir  string
	disk disk
	lock *files.Lock // nil for a viewer
}

// ClaimRun locks a directory for a new run; Start creates the run. An existing run, which stays as it is until then, is
// ErrRunExists unless overwrite is set.
func ClaimRun(dir string, overwrite bool) (*Run, error) { return claimRun(disk{}, dir, overwrite) }

func claimRun(d disk, dir string, overwrite bool) (*Run, error) {
	if !overwrite && runIsIn(dir) {
		return nil, fmt.Errorf("%s: %w", dir, ErrRunExists)
	}
	if err := d.mkdir(dir); err != nil {
		return nil, err
	}
	return own(d, dir)
}

// Start creates the new run. If overwrite is set, it deletes the old one: its checkpoints, configuration and metrics,
// but no other file.
func (r *Run) Start(overwrite bool) error {
	r.mustOwn()
	if err := r.start(overwrite); err != nil {
		return fmt.Errorf("%s: %w", r.Dir, err)
	}
	return nil
}

func (r *Run) start(overwrite bool) error {
	if runIsIn(r.Dir) { // another process may have made a run before the lock was taken
		if !overwrite {
			return ErrRunExists
		}
		if err := r.discard(); err != nil {
			return err
		}
	}
	if err := r.disk.mkdir(r.Path(stepsDir)); err != nil {
		return err
	}
	return errors.Join(r.disk.syncDir(r.Dir), r.disk.syncDir(filepath.Dir(r.Dir)))
}

// discard deletes the run. The checkpoints go first and atomically, so that a crash leaves no mixture of two runs.
func (r *Run) discard() error {
	trash := r.Path(trashPrefix + stepsDir)
	if err := r.disk.remove(trash); err != nil {
		return err
	}
	if err := r.disk.rename(r.Path(stepsDir), trash); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := r.disk.syncDir(r.Dir); err != nil {
		return err
	}
	for _, name := range []string{bestLink, lastLink, MetricsFile, ConfigFile, trashPrefix + stepsDir} {
		if err := r.disk.remove(r.Path(name)); err != nil {
			return err
		}
	}
	return nil
}

// ResumeRun opens a run to train it further, and cleans up after a crash. The run may have no checkpoint yet. A
// directory without a run is ErrNoRun.
func ResumeRun(dir string) (*Run, error) { return resumeRun(disk{}, dir) }

func resumeRun(d disk, dir string) (*Run, error) {
	if !runIsIn(dir) {
		return nil, fmt.Errorf("%s: %w", dir, ErrNoRun)
	}
	r, err := own(d, dir)
	if err != nil {
		return nil, err
	}
	err = r.recover()
	if err == nil {
		err = r.disk.mkdir(r.Path(stepsDir))
	}
	if err != nil {
		r.Close()
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	r.point()
	return r, nil
}

// ViewRun opens a run for reading, also while it is being trained.
func ViewRun(dir string) (*Run, error) {
	if !runIsIn(dir) {
		return nil, fmt.Errorf("%s: %w", dir, ErrNoRun)
	}
	return &Run{Dir: dir}, nil
}

// runIsIn reports whether dir contains a run, or parts of one. A directory for checkpoints without any is none: it is
// what a crash leaves before the configuration is written.
func runIsIn(dir string) bool {
	for _, name := range []string{MetricsFile, ConfigFile} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	steps, err := os.ReadDir(filepath.Join(dir, stepsDir))
	return len(steps) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist)
}

// own locks dir. The lock file is never deleted: otherwise two processes could hold locks on two files.
func own(d disk, dir string) (*Run, error) {
	path := filepath.Join(dir, lockFile)
	lock, err := files.TryLock(path)
	if errors.Is(err, files.ErrLocked) {
		return nil, fmt.Errorf("%s: %w%s", dir, ErrRunBusy, holder(path))
	}
	if err != nil {
		return nil, err
	}
	// The number is only for messages of other processes; the lock works without it.
	_ = os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())), 0o644)
	return &Run{Dir: dir, disk: d, lock: lock}, nil
}

// holder is " (process N)" if the lock file says so.
func holder(path string) string {
	text, err := os.ReadFile(path)
	if pid, e := strconv.Atoi(string(text)); err == nil && e == nil {
		return fmt.Sprintf(" (process %d)", pid)
	}
	return ""
}

// recover deletes what was being written or deleted, and restores what was being replaced.
func (r *Run) recover() error {
	for _, dir := range []string{r.Dir, r.Path(stepsDir)} {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, e := range entries {
			if err := r.settle(dir, e.Name()); err != nil {
				return err
			}
		}
	}
	return nil
}

// settle cleans up one temporary name.
func (r *Run) settle(dir, name string) error {
	path := filepath.Join(dir, name)
	if strings.HasPrefix(name, trashPrefix) {
		return r.discardTrash(path)
	}
	if strings.HasPrefix(name, tmpPrefix) {
		return r.disk.remove(path)
	}
	replaced, ok := strings.CutPrefix(name, oldPrefix)
	if !ok {
		return nil
	}
	final := filepath.Join(dir, replaced)
	if _, err := os.Lstat(final); err == nil {
		return r.trash(path)
	}
	if err := r.disk.rename(path, final); err != nil {
		return err
	}
	return r.disk.syncDir(dir)
}

// trash deletes a directory such that nobody sees half of it under its name.
func (r *Run) trash(path string) error {
	to := filepath.Join(filepath.Dir(path), trashPrefix+filepath.Base(path))
	if err := r.disk.remove(to); err != nil {
		return err
	}
	if err := r.disk.rename(path, to); err != nil {
		return err
	}
	return r.discardTrash(to)
}

// discardTrash deletes trash. Files in use stay until the next time.
func (r *Run) discardTrash(path string) error {
	err := r.disk.remove(path)
	if files.InUse(err) {
		return nil
	}
	return err
}

// Path is the path of a file in the run directory.
func (r *Run) Path(name string) string { return filepath.Join(r.Dir, name) }

// WriteFile writes a file into the run directory atomically.
func (r *Run) WriteFile(name string, data []byte) error {
	r.mustOwn()
	return r.disk.replace(r.Path(name), data)
}

// Close releases the lock.
func (r *Run) Close() error {
	if r.lock == nil {
		return nil
	}
	return r.lock.Unlock()
}

func (r *Run) mustOwn() {
	if r.lock == nil {
		panic("checkpoint: a viewer writes")
	}
}
