package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"dmtrain/internal/files"
)

// ErrNoCheckpoint is the error of a run without a checkpoint.
var ErrNoCheckpoint = errors.New("no checkpoint has been saved yet")

const stepPrefix = "step-"

func stepName(step int) string { return fmt.Sprintf("%s%06d", stepPrefix, step) }

// stepOf is the inverse of stepName.
func stepOf(name string) (int, bool) {
	digits, ok := strings.CutPrefix(name, stepPrefix)
	if !ok {
		return 0, false
	}
	step, err := strconv.Atoi(digits)
	return step, err == nil && step >= 0 && stepName(step) == name
}

// StepDir is the path of the checkpoint of a step.
func (r *Run) StepDir(step int) string { return filepath.Join(r.Path(stepsDir), stepName(step)) }

// Steps lists the steps that have a checkpoint, ascending. They were written completely; Load verifies whether they
// still are.
func (r *Run) Steps() ([]int, error) {
	entries, err := os.ReadDir(r.Path(stepsDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var steps []int
	for _, e := range entries {
		if step, ok := stepOf(e.Name()); ok && e.IsDir() {
			steps = append(steps, step)
		}
	}
	slices.Sort(steps)
	return steps, nil
}

// Save stores a checkpoint under its State.Step, replacing an older one of that step, and returns its directory. Saving
// is atomic: after a nil error the checkpoint survives a loss of power, and after another error all earlier ones are as
// they were.
func (r *Run) Save(c *Checkpoint) (string, error) {
	r.mustOwn()
	dir := r.StepDir(c.State.Step)
	if err := r.save(c, dir); err != nil {
		return "", fmt.Errorf("saving %s: %w", dir, err)
	}
	r.point()
	return dir, nil
}

func (r *Run) save(c *Checkpoint, dir string) error {
	tmp := filepath.Join(r.Path(stepsDir), tmpPrefix+filepath.Base(dir))
	old := filepath.Join(r.Path(stepsDir), oldPrefix+filepath.Base(dir))
	if err := r.recover(); err != nil { // after an earlier Save that failed
		return err
	}
	if err := r.disk.mkdir(tmp); err != nil {
		return err
	}
	if err := c.writeAll(r.disk, tmp); err != nil {
		return errors.Join(err, r.disk.remove(tmp))
	}
	if err := r.disk.rename(dir, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := r.disk.rename(tmp, dir); err != nil {
		return errors.Join(err, r.recover())
	}
	if err := r.disk.syncDir(r.Path(stepsDir)); err != nil {
		return err
	}
	return r.disk.remove(old)
}

// point makes "best" and "last" links to checkpoints, for people and for programs that want a model's directory. This
// program does not need them, so errors are ignored.
func (r *Run) point() {
	r.dropCopies()
	if step, err := r.Last(); err == nil {
		r.pointTo(step, lastLink)
	}
	if step, err := r.Best(); err == nil {
		r.pointTo(step, bestLink)
	}
}

// dropCopies deletes checkpoints in place of the links, as in a run that was copied with its links followed: they would
// become stale.
func (r *Run) dropCopies() {
	for _, name := range []string{lastLink, bestLink} {
		path := r.Path(name)
		if st, err := os.Lstat(path); err == nil && st.IsDir() && isCheckpoint(path) {
			_ = r.trash(path)
		}
	}
}

func (r *Run) pointTo(step int, name string) {
	target := filepath.Join(stepsDir, stepName(step))
	if now, err := files.Pointed(r.Path(name)); err == nil && now == target {
		return
	}
	_ = r.disk.point(r.Path(name), target)
}

// Last is the greatest step with a checkpoint.
func (r *Run) Last() (int, error) {
	steps, err := r.Steps()
	if err != nil {
		return 0, err
	}
	if len(steps) == 0 {
		return 0, fmt.Errorf("%s: %w", r.Dir, ErrNoCheckpoint)
	}
	return steps[len(steps)-1], nil
}

// Best is the step of the best evaluation, according to the last checkpoint.
func (r *Run) Best() (int, error) {
	state, err := r.LastState()
	if err != nil {
		return 0, err
	}
	if state.Best == nil {
		return 0, fmt.Errorf("%s: no evaluation has been made by step %d, so none is best", r.Dir, state.Step)
	}
	return state.Best.Step, nil
}

// LastState is the State of the last checkpoint.
func (r *Run) LastState() (State, error) {
	last, err := r.Last()
	if err != nil {
		return State{}, err
	}
	return readState(r.StepDir(last))
}

// readState reads and verifies state.json alone.
func readState(dir string) (State, error) {
	m, err := readManifest(dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = damage{fmt.Errorf("%s: missing", manifestName)}
	}
	if err != nil {
		return State{}, named(dir, err)
	}
	text, err := m.read(dir, stateName)
	if err != nil {
		return State{}, named(dir, err)
	}
	state, err := decodeState(text)
	if err != nil {
		return State{}, named(dir, err)
	}
	return state, nil
}

// Find is the directory of the checkpoint "last", "best" or of a step.
func (r *Run) Find(which string) (string, error) {
	step, err := r.step(which)
	if err != nil {
		return "", err
	}
	steps, err := r.Steps()
	if err != nil {
		return "", err
	}
	if !slices.Contains(steps, step) {
		if len(steps) == 0 {
			return "", fmt.Errorf("%s: %w", r.Dir, ErrNoCheckpoint)
		}
		return "", fmt.Errorf("%s: no checkpoint of step %d; there are %s", r.Dir, step,
			strings.Trim(fmt.Sprint(steps), "[]"))
	}
	return r.StepDir(step), nil
}

// IsWhich says whether which can name a checkpoint: "last", "best" or the number of a step.
func IsWhich(which string) bool {
	_, ok := numberOf(which)
	return ok || which == "last" || which == "best"
}

// numberOf parses the number of a step: 20, 000020 or step-000020.
func numberOf(which string) (step int, ok bool) {
	step, err := strconv.Atoi(strings.TrimPrefix(which, stepPrefix))
	return step, err == nil && step >= 0
}

func (r *Run) step(which string) (int, error) {
	switch which {
	case "last":
		return r.Last()
	case "best":
		return r.Best()
	}
	step, ok := numberOf(which)
	if !ok {
		return 0, fmt.Errorf("%q is not a checkpoint: best, last or the number of a step", which)
	}
	return step, nil
}

// Load opens and verifies the checkpoint "last", "best" or of a step. If it is damaged, the *DamagedError names an
// intact one.
func (r *Run) Load(which string) (*Saved, error) { return r.load(which, Load) }

// LoadModel is Load without the optimizer.
func (r *Run) LoadModel(which string) (*Saved, error) { return r.load(which, LoadModel) }

func (r *Run) load(which string, load func(string) (*Saved, error)) (*Saved, error) {
	dir, err := r.Find(which)
	if err == nil {
		var s *Saved
		if s, err = load(dir); err == nil {
			return s, nil
		}
	}
	var d *DamagedError
	if errors.As(err, &d) {
		d.Intact = r.intactBefore(d.Dir)
	}
	return nil, err
}

// intactBefore is the newest intact checkpoint before the damaged one, or else the newest intact one; "" if none.
func (r *Run) intactBefore(damaged string) string {
	steps, err := r.Steps()
	if err != nil {
		return ""
	}
	limit, _ := stepOf(filepath.Base(damaged))
	at, _ := slices.BinarySearch(steps, limit)
	slices.Reverse(steps[:at])
	slices.Reverse(steps[at:])
	for _, step := range steps {
		dir := r.StepDir(step)
		if s, err := Load(dir); err == nil {
			s.Close()
			return dir
		}
	}
	return ""
}

// Prune deletes checkpoints until only the newest keep and the best are left; keep < 1 deletes none.
func (r *Run) Prune(keep int) error {
	r.mustOwn()
	steps, err := r.Steps()
	if err != nil || keep < 1 || len(steps) <= keep {
		return err
	}
	state, err := readState(r.StepDir(steps[len(steps)-1]))
	if err != nil {
		return fmt.Errorf("deleting no checkpoint, since the best may be any: %w", err)
	}
	for _, step := range steps[:len(steps)-keep] {
		if state.Best != nil && state.Best.Step == step {
			continue
		}
		// a checkpoint in use stays until the next Prune
		if err := r.trash(r.StepDir(step)); err != nil && !files.InUse(err) {
			return err
		}
	}
	return nil
}

// Rewind makes step the last checkpoint. It renames newer ones to names that begin with "aside-", which are never read.
func (r *Run) Rewind(step int) error {
	r.mustOwn()
	steps, err := r.Steps()
	if err != nil {
		return err
	}
	for _, s := range slices.Backward(steps) {
		if s <= step {
			break
		}
		if err := r.disk.rename(r.StepDir(s), r.asideName(s)); err != nil {
			return err
		}
	}
	if err := r.disk.syncDir(r.Path(stepsDir)); err != nil {
		return err
	}
	r.point()
	return nil
}

// asideName is a name not yet taken.
func (r *Run) asideName(step int) string {
	base := filepath.Join(r.Path(stepsDir), "aside-"+stepName(step))
	path := base
	for n := 2; ; n++ {
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			return path
		}
		path = fmt.Sprintf("%s-%d", base, n)
	}
}
