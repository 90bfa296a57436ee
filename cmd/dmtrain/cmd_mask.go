package main

import (
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"dmtrain/internal/metrics"
)

func maskCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "mask",
		Short: "Show masks, prove that they leak nothing, see how they moved",
		Long: `mask is about what each position may see: show draws it, check proves that no position
can learn the token it must predict, canary holds losses to what random text allows, and
history tells how a run's masks moved.`,
		Example: `  dmtrain mask show --config configs/infill.yaml
  dmtrain mask check --config configs/adaptive.yaml
  dmtrain mask canary --config configs/adaptive.yaml
  dmtrain mask history --run runs/adaptive`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(maskShowCommand(), maskCheckCommand(), maskCanaryCommand(), maskHistoryCommand())
	return cmd
}

// canvas is the size and character set of a text picture.
type canvas struct {
	width int // columns; 0 = as many as the terminal has
	ascii bool
}

func (c *canvas) addFlags(cmd *cobra.Command) {
	cmd.Flags().IntVar(&c.width, "width", 0, "draw in so many `columns`; 0 = as many as the terminal has, or else 80")
	cmd.Flags().BoolVar(&c.ascii, "ascii", false,
		"draw with ASCII signs only, as is done anyway where the locale is not UTF-8")
}

func (c *canvas) check() error {
	if c.width != 0 && c.width < minWidth {
		return usagef("--width: %d is not a number of columns (%d or more, or 0)", c.width, minWidth)
	}
	return nil
}

// Columns of a picture.
const (
	minWidth     = 24
	defaultWidth = 80
)

// fit fills in what the user left open.
func (c *canvas) fit(out io.Writer) {
	c.ascii = c.ascii || !speaksUTF8(os.Getenv)
	if c.width > 0 {
		return
	}
	c.width = defaultWidth
	if f, ok := out.(*os.File); ok {
		if width := metrics.TerminalWidth(f); width != nil {
			c.width = max(width(), minWidth)
		}
	}
}

// speaksUTF8 says whether the locale uses UTF-8. Without a locale, as in many containers, terminals usually do.
func speaksUTF8(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} { // in order of precedence
		if locale := strings.ToLower(getenv(name)); locale != "" {
			return strings.Contains(locale, "utf-8") || strings.Contains(locale, "utf8")
		}
	}
	return true
}
