package saved

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"dmtrain/internal/checkpoint"
	"dmtrain/internal/config"
	"dmtrain/internal/model"
	"dmtrain/internal/task"
)

// settings reads the configuration of the model's training, if there is one.
func (m *Model) settings(s *checkpoint.Saved, tasks task.Table) error {
	shape, err := s.Shape()
	if err != nil {
		return err
	}
	text, err := fs.ReadFile(s.Files(), checkpoint.SettingsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return m.foreign(s, shape, tasks)
	}
	if err != nil {
		return err
	}
	file, err := config.Parse(checkpoint.SettingsFile, text)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Dir, err)
	}
	if m.Config, err = file.Config(); err != nil {
		return fmt.Errorf("%s: %w", s.Dir, err)
	}
	if err := config.Check(m.Config, nil, tasks.Problems(m.Config), file.Origin); err != nil {
		return fmt.Errorf("%s: %w", s.Dir, err)
	}
	m.task, m.Ours = tasks.Must(m.Config), true
	if !trains(m.task, m.Config, shape) {
		return fmt.Errorf("%s: %s is of task %s, which trains another kind of model than the one in config.json",
			s.Dir, checkpoint.SettingsFile, m.Config.Task)
	}
	var was task.Identity
	if len(s.State.Data) > 0 && json.Unmarshal(s.State.Data, &was) == nil {
		m.was = &was
	}
	return nil
}

// foreign takes a model without a configuration for one of the first task that trains such models.
func (m *Model) foreign(s *checkpoint.Saved, shape model.Config, tasks task.Table) error {
	m.Config = config.Default()
	m.Config.Model.CausalEncoder = shape.CausalEncoder
	i := slices.IndexFunc(tasks, func(k task.Task) bool { return trains(k, m.Config, shape) })
	if i < 0 {
		return fmt.Errorf("%s: no task trains the kind of model in config.json", s.Dir)
	}
	m.task, m.Config.Task = tasks[i], tasks[i].Name()
	return nil
}

// trains says whether a task under a configuration has models of the same kind: what their sizes are does not matter.
func trains(k task.Task, c config.Config, shape model.Config) bool {
	m := k.Model(c, shape.Vocab)
	return m.Encoder == shape.Encoder && m.CausalEncoder == shape.CausalEncoder
}
