package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/viper"

	"dmtrain/internal/config"
	"dmtrain/internal/task/tasks"
)

// layers are the sources of a command's settings: defaults, the file, the environment, --set and flags of their own,
// each overriding those before it.
type layers struct {
	file     string
	set      []string // key=value
	device   string   // --device; empty when not given
	textless bool     // the command reads no text, so data.train may be missing
}

func (l *layers) addFlags(cmd *cobra.Command) {
	l.addSettingFlags(cmd)
	cmd.Flags().StringVar(&l.device, "device", "",
		"where to compute: auto, cpu, cuda or cuda:N (overrides the setting device)")
	complete(cmd, "device", "auto", "cpu", "cuda")
	addThreads(cmd)
}

// addSettingFlags adds the flags of commands that don't compute on a device.
func (l *layers) addSettingFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVarP(&l.file, "config", "c", "", "read settings from this YAML `file`")
	flags.StringArrayVar(&l.set, "set", nil, "override one setting, as `key=value`; repeatable")
	must(cmd.MarkFlagFilename("config", "yaml", "yml"))
	must(cmd.RegisterFlagCompletionFunc("set",
		func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var keys []string
			for _, key := range config.Keys() {
				keys = append(keys, key+"=")
			}
			return keys, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
		}))
}

// load resolves the settings. Its error is a [config.Invalid] with all problems.
func (l *layers) load() (config.Config, error) {
	if l.file == "" {
		return config.Config{}, usagef("--config: name a configuration file; \"dmtrain init > my.yaml\" writes one")
	}
	file, err := config.Read(l.file)
	if err != nil {
		return config.Config{}, unreadable(err)
	}
	c, err := l.resolve(file, os.Environ())
	if err != nil || l.textless {
		return c, err
	}
	return c, l.misplaced(file, c)
}

// unreadable makes the error of a file that can't be opened a usage error, since the command line named it.
func unreadable(err error) error {
	if pathErr := (*os.PathError)(nil); errors.As(err, &pathErr) {
		return usagef("--config: %s: %v", pathErr.Path, pathErr.Err)
	}
	return err
}

// resolve combines the layers.
func (l *layers) resolve(file *config.File, environ []string) (config.Config, error) {
	v := viper.New()
	v.SetEnvPrefix(strings.TrimSuffix(envPrefix, "_"))
	v.SetEnvKeyReplacer(strings.NewReplacer(".", "_"))
	for _, key := range config.Keys() {
		// bound by name, since under AutomaticEnv a variable named like a section would hide its settings
		must(v.BindEnv(key))
	}
	for key, value := range l.defaults(file).Settings() {
		v.SetDefault(key, value)
	}
	must(v.MergeConfigMap(file.Settings))
	origins, unknown := environment(environ)
	problems := slices.Concat(file.Problems, unknown)
	for _, o := range l.overrides() {
		if !slices.Contains(config.Keys(), o.key) {
			problems = append(problems, o.unknown())
			continue
		}
		v.Set(o.key, o.value)
		origins[o.key] = o.origin
	}
	var c config.Config
	problems = append(problems, unmarshal(v, &c)...)
	all := tasks.All()
	if k, ok := all.Of(c.Task); ok && l.textless && len(c.Data.Train) == 0 {
		c.Data.Train = []string{k.Builtin()} // satisfies validation; it is not read
	}
	return c, config.Check(c, problems, all.Problems(c), func(key string) string {
		if origin := origins[key]; origin != "" {
			return origin
		}
		return file.Origin(key)
	})
}

// defaults is config.Default with a run directory named after the file.
func (l *layers) defaults(file *config.File) config.Config {
	c := config.Default()
	c.Run.Dir = filepath.Join("runs", strings.TrimSuffix(filepath.Base(file.Name), filepath.Ext(file.Name)))
	return c
}

func unmarshal(v *viper.Viper, c *config.Config) []config.Problem {
	strict := func(d *mapstructure.DecoderConfig) { d.WeaklyTypedInput = false }
	if err := v.UnmarshalExact(c, viper.DecodeHook(config.Hook()), strict); err != nil {
		return config.DecodeProblems(err)
	}
	return nil
}
