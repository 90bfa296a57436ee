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

// sources are where a command's settings come from: defaults, the file, the environment, --set and flags of their
// own, each laid over what stands before it.
type sources struct {
	file     string
	set      []string // key=value
	device   string   // --device; empty when not given
	textless bool     // the command reads no text, so none has to be named
}

func (s *sources) addFlags(cmd *cobra.Command) {
	s.addSettingFlags(cmd)
	cmd.Flags().StringVar(&s.device, "device", "",
		"where to compute: auto, cpu, cuda or cuda:N (overrides the setting device)")
	complete(cmd, "device", "auto", "cpu", "cuda")
	addThreads(cmd)
}

// addSettingFlags is for commands that compute nothing on a device.
func (s *sources) addSettingFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVarP(&s.file, "config", "c", "", "read settings from this YAML `file`")
	flags.StringArrayVar(&s.set, "set", nil, "override one setting, as `key=value`; repeatable")
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

// load resolves the settings. What is wrong with them is a [config.Invalid] with everything that is.
func (s *sources) load() (config.Config, error) {
	if s.file == "" {
		return config.Config{}, usagef("--config: name a configuration file; \"dmtrain init > my.yaml\" writes one")
	}
	file, err := config.Read(s.file)
	if err != nil {
		return config.Config{}, unreadable(err)
	}
	c, err := s.resolve(file, os.Environ())
	if err != nil || s.textless {
		return c, err
	}
	return c, s.misplaced(file, c)
}

// unreadable makes a file that can't be opened bad usage: its name was given on the command line.
func unreadable(err error) error {
	if pathErr := (*os.PathError)(nil); errors.As(err, &pathErr) {
		return usagef("--config: %s: %v", pathErr.Path, pathErr.Err)
	}
	return err
}

// resolve lays the sources over one another.
func (s *sources) resolve(file *config.File, environ []string) (config.Config, error) {
	v := viper.New()
	v.SetEnvPrefix(strings.TrimSuffix(envPrefix, "_"))
	v.SetEnvKeyReplacer(strings.NewReplacer(".", "_"))
	for _, key := range config.Keys() {
		// each by name: with AutomaticEnv a variable named like a section would hide all that is in it
		must(v.BindEnv(key))
	}
	for key, value := range s.defaults(file).Settings() {
		v.SetDefault(key, value)
	}
	must(v.MergeConfigMap(file.Settings))
	origins, unknown := environment(environ)
	problems := slices.Concat(file.Problems, unknown)
	for _, o := range s.overrides() {
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
	if k, ok := all.Of(c.Task); ok && s.textless && len(c.Data.Train) == 0 {
		c.Data.Train = []string{k.Builtin()} // none has to be named
	}
	return c, config.Check(c, problems, all.Problems(c), func(key string) string {
		if origin := origins[key]; origin != "" {
			return origin
		}
		return file.Origin(key)
	})
}

// defaults are config.Default with a run directory named after the file.
func (s *sources) defaults(file *config.File) config.Config {
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
