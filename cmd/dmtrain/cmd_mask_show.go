package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"
	"github.com/spf13/cobra"

	"dmtrain/internal/checkpoint"
	"dmtrain/internal/config"
	"dmtrain/internal/files"
	"dmtrain/internal/mask"
	"dmtrain/internal/maskcheck"
	"dmtrain/internal/metrics"
	"dmtrain/internal/task/tasks"
	"dmtrain/internal/tokenizer"
)

type maskShowOptions struct {
	layers
	canvas
	runDir   string
	step     int     // −1: not given
	row      int     // −1: not given
	openness float64 // −1: not given
	png      string
}

func maskShowCommand() *cobra.Command {
	var o maskShowOptions
	cmd := &cobra.Command{
		Use:   "show (--config FILE | --run DIRECTORY)",
		Short: "Draw what a row of a training step may see",
		Long: `show plans the masks of one training step, on the text that the step will read, and draws
one row of it: queries downwards, keys to the right. With --run it draws the very mask that
a run was trained on. For task seq2seq the row is a target, and a second picture shows what
each of its positions sees of the source.

Where openness follows what the model shows (control adaptive, inverse, two_pass) and no run
is named, the mask is drawn fully open; --openness draws it in any other state.`,
		Example: `  dmtrain mask show --config configs/infill.yaml
  dmtrain mask show --config configs/adaptive.yaml --openness 0.25 --step 100 --row 2
  dmtrain mask show --config my.yaml --png mask.png
  dmtrain mask show --config my.yaml --set mask.structure=window --set mask.window=8 --width 120 --ascii
  dmtrain mask show --run runs/adaptive --step 300 --device cpu`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.OutOrStdout(), cmd.ErrOrStderr()) },
	}
	o.addSettingFlags(cmd)
	o.canvas.addFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.runDir, "run", "", "draw what the run in this `directory` saw")
	flags.IntVar(&o.step, "step", -1, "the `step`, from 0 (default 0; the last one of a --run)")
	flags.IntVar(&o.row, "row", -1, "the `row` of the step's batch, from 0 (default the first whose mask moves)")
	flags.Float64Var(&o.openness, "openness", -1,
		"draw the mask as it is at openness `u`: 0 is the static mask, 1 fully open")
	flags.StringVar(&o.png, "png", "", "also write the picture to this `file`, in colours")
	must(cmd.MarkFlagDirname("run"))
	must(cmd.MarkFlagFilename("png", "png"))
	hideDefaults(cmd, "step", "row", "openness")
	return cmd
}

// hideDefaults hides defaults that mean "not given" from the help.
func hideDefaults(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		cmd.Flags().Lookup(name).DefValue = "0"
	}
}

func (o *maskShowOptions) check() error {
	switch {
	case o.runDir != "" && o.file != "":
		return usagef("--run has a configuration of its own: leave --config out")
	case o.step < -1:
		return usagef("--step: %d is not a step (0 or more)", o.step)
	case o.row < -1:
		return usagef("--row: %d is not a row (0 or more)", o.row)
	case o.openness != -1 && !(o.openness >= 0 && o.openness <= 1):
		return usagef("--openness: %v is not an openness (0 to 1)", o.openness)
	}
	return o.canvas.check()
}

func (o *maskShowOptions) run(stdout, stderr io.Writer) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	var past []metrics.MaskStep
	if o.runDir != "" {
		o.file = filepath.Join(o.runDir, checkpoint.ConfigFile)
		if past, err = readMasks(o.runDir); err != nil {
			return err
		}
	}
	c, err := o.load()
	if err != nil {
		return err
	}
	m, err := maskcheck.Open(c, tasks.All())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	warnAll(stderr, m.Warnings)
	v := &view{
		maskShowOptions: o,
		c:               c,
		masks:           m,
		past:            past,
	}
	if err := v.choose(); err != nil {
		return err
	}
	o.fit(stdout)
	if err := v.print(stdout); err != nil {
		return err
	}
	return v.picture(stderr)
}

// view chooses and draws a row of a plan.
type view struct {
	*maskShowOptions
	c     config.Config
	masks *maskcheck.Masks
	past  []metrics.MaskStep // the run's records

	open   []float64 // openness by bucket
	origin string    // where openness is from
	*maskcheck.Row
}

// choose chooses step, openness and row, and plans the row.
func (v *view) choose() error {
	v.settleStep()
	if steps := v.c.Train.Steps; v.step >= steps {
		return usagef("--step: %d is not a step of the run, which has 0 … %d (train.steps is %d)", v.step,
			steps-1, steps)
	}
	v.settleOpenness()
	height := v.masks.Height(v.step)
	if v.row >= height {
		return usagef("--row: step %d has rows 0 … %d", v.step, height-1)
	}
	for row := max(v.row, 0); ; row++ {
		v.Row = v.masks.Row(v.step, row, v.open)
		if v.row >= 0 || !v.Plan.Anchor[0] || !v.c.Mask.Hides() || row+1 == height {
			return nil
		}
	}
}

func (v *view) settleStep() {
	switch {
	case v.step >= 0:
	case len(v.past) > 0:
		v.step = v.past[len(v.past)-1].Step - 1 // records count steps from 1
	case v.c.Mask.FirstLook():
		v.step = v.masks.Config().Warmup // it is closed before
	default:
		v.step = 0
	}
}

// settleOpenness takes --openness, or else the run's record, or else the control's openness.
func (v *view) settleOpenness() {
	var known bool
	v.open, known = v.masks.Openness(v.step)
	control := v.c.Mask.Control
	switch at := v.recorded(); {
	case v.openness >= 0:
		for i := range v.open {
			v.open[i] = v.openness
		}
		v.origin = "as asked"
	case at != nil:
		v.open = at.Openness
		v.origin = fmt.Sprintf("as the run had it at step %d", at.Step-1)
	case known:
		v.origin = "by control " + control
	default:
		v.origin = fmt.Sprintf("the most that control %s can open to", control)
	}
}

// recorded is the run's record of the step, or the last one before; nil without one.
func (v *view) recorded() *metrics.MaskStep {
	n, _ := slices.BinarySearchFunc(v.past, v.step+2, func(s metrics.MaskStep, step int) int { return s.Step - step })
	if n == 0 {
		return nil
	}
	return &v.past[n-1]
}

func (v *view) print(out io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintln(&b, v.headline())
	o := mask.TextOptions{
		Width:   v.width,
		ASCII:   v.ascii,
		Tokens:  v.tokens(),
		Columns: runewidth.StringWidth,
	}
	if err := v.Plan.Text(&b, 0, v.Batch, o); err != nil {
		return err
	}
	fmt.Fprintln(&b)
	for _, source := range v.Batch.Sources {
		ids := source.IDs[:source.Len(0)]
		if err := v.Plan.SourceText(&b, 0, v.Batch, labels(v.masks.Tokenizer, ids, v.ascii), o); err != nil {
			return err
		}
		fmt.Fprintln(&b)
	}
	fmt.Fprintln(&b, v.verdict())
	_, err := out.Write(b.Bytes())
	return err
}

// headline describes the mask section in one line, and its state in another.
func (v *view) headline() string {
	c := v.masks.Config()
	text := fmt.Sprintf("%s: structure %s", v.file, c.Structure)
	if c.Structure != mask.StructureCausal && c.Structure != mask.StructureFull {
		text += fmt.Sprintf(" %d", c.Window)
	}
	text += ", form " + c.Form
	if len(v.Batch.Sources) > 0 {
		text += ", cross " + c.Cross
	}
	if !c.Hides() {
		return text
	}
	text += fmt.Sprintf(", control %s\nopenness %s, %s", c.Control, joinFloats(v.open), v.origin)
	if v.Plan.Anchor[0] {
		text += "; this row is an anchor and keeps the static mask"
	}
	return text
}

// verdict sums up the picture and the certificate.
func (v *view) verdict() string {
	visible, ahead := maskcheck.Seen(&v.Plan)
	text := fmt.Sprintf("%.1f %% of all pairs are visible, %.1f %% of those that look ahead.\n", 100*visible, 100*ahead)
	proved := "no position can learn the token it must predict, through any number of layers."
	if len(v.Batch.Sources) > 0 {
		text += fmt.Sprintf("%.1f %% of all pairs with the source are visible.\n", 100*v.sourceSeen())
		proved = "no position can learn the token it must predict, through any number of layers; the source may be " +
			"seen whole."
		if v.masks.Config().Cross == mask.CrossWaitK {
			proved = "no position can learn the token it must predict, nor what its source says past the tokens " +
				"it\nhas waited for, through any number of layers."
		}
	}
	if err := v.Plan.Certify(); err != nil {
		return text + "Not certified: " + err.Error() + "."
	}
	return text + "Certified: " + proved
}

// sourceSeen is the visible share of pairs of a target position (without padding) and a source token.
func (v *view) sourceSeen() float64 {
	seen, all := 0, 0
	for i, last := range v.Plan.Sources[0].Cross.Hi {
		if v.Batch.Start[i] >= 0 {
			seen, all = seen+int(last)+1, all+v.Batch.Sources[0].Len(0)
		}
	}
	return float64(seen) / float64(max(all, 1))
}

func joinFloats(values []float64) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = fmt.Sprintf("%.2f", v)
	}
	return strings.Join(texts, "/")
}

// tokens are the row's tokens for the picture's margin.
func (v *view) tokens() []string {
	texts := labels(v.masks.Tokenizer, v.Batch.IDs, v.ascii)
	for i := range texts {
		if v.Batch.Start[i] < 0 {
			texts[i] = ""
		}
	}
	return texts
}

func labels(t tokenizer.Tokenizer, ids []int32, ascii bool) []string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = tokenLabel(t, id, ascii)
	}
	return texts
}

// tokenLabel makes a token one visible word.
func tokenLabel(t tokenizer.Tokenizer, id int32, ascii bool) string {
	special := t.Specials()
	switch id {
	case special.Begin, special.End:
		return "<|>"
	}
	text := string(t.Decode(nil, []int32{id}))
	if ascii {
		text = fmt.Sprintf("%+q", text)
		return strings.ReplaceAll(text[1:len(text)-1], " ", "_")
	}
	return strings.NewReplacer(" ", "␣", "\n", "↵", "\t", "→").Replace(text)
}

func (v *view) picture(stderr io.Writer) error {
	if v.png == "" {
		return nil
	}
	var b bytes.Buffer
	if err := v.Plan.PNG(&b, 0, v.Batch); err != nil {
		return err
	}
	return writePicture(v.png, b.Bytes(), stderr)
}

// writePicture writes a file atomically and says so.
func writePicture(path string, data []byte, stderr io.Writer) error {
	if err := files.Write(path, data); err != nil {
		return fmt.Errorf("--png: %w", err)
	}
	fmt.Fprintf(stderr, "wrote %s\n", path)
	return nil
}

// readMasks reads a run's records of its masks.
func readMasks(dir string) ([]metrics.MaskStep, error) {
	run, err := checkpoint.ViewRun(dir)
	if err != nil {
		return nil, err
	}
	past, _, err := metrics.ReadMasks(run.Path(checkpoint.MetricsFile))
	return past, err
}
