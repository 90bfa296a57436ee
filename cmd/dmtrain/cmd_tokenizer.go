package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"dmtrain/internal/files"
	"dmtrain/internal/textio"
	"dmtrain/internal/tokenizer"
)

func tokenizerCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "tokenizer",
		Short:   "Learn a vocabulary of byte pairs from text",
		Example: "  dmtrain tokenizer train --size 8000 --out tokenizer.json train.en train.de",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(tokenizerTrainCommand())
	return cmd
}

func tokenizerTrainCommand() *cobra.Command {
	var size int
	var out string
	cmd := &cobra.Command{
		Use:   "train --size N --out FILE TEXT …",
		Short: "Learn byte pairs and write a tokenizer.json",
		Long: `train learns a vocabulary from all the texts together and writes it in Hugging Face's
format. A configuration uses it as data.tokenizer: {kind: bpe, file: tokenizer.json}.`,
		Example: "  dmtrain tokenizer train --size 8000 --out tokenizer.json train.en train.de",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, texts []string) error {
			return trainTokenizer(size, out, texts, cmd.ErrOrStderr())
		},
	}
	cmd.Flags().IntVar(&size, "size", 8000, "how many `tokens` to learn, the 256 bytes included")
	cmd.Flags().StringVar(&out, "out", "tokenizer.json", "write to this `file`")
	return cmd
}

func trainTokenizer(size int, out string, texts []string, stderr io.Writer) error {
	if err := tokenizer.CheckSize(size); err != nil {
		return usagef("--size: %w", err)
	}
	trainer := tokenizer.NewTrainer()
	for _, name := range texts {
		if err := learn(trainer, name, stderr); err != nil {
			return err
		}
	}
	t, err := trainer.Train(size, true)
	if err != nil {
		return err
	}
	if err := files.Write(out, t.Files()["tokenizer.json"]); err != nil {
		return err
	}
	fmt.Fprintf(stderr, "%s: %d tokens\n", out, t.Vocab())
	if t.Vocab() < size {
		warn(stderr, "--size: %d tokens were asked for, but no further pair of tokens "+
			"occurs twice in the text", size)
	}
	return nil
}

// learn reads one of the texts.
func learn(trainer *tokenizer.Trainer, name string, stderr io.Writer) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	text := textio.NewReader(f)
	if err := trainer.Read(text); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	warnOf(stderr, name, text.Remarks())
	return nil
}
