// Package tasks holds the tasks that the program has.
package tasks

import (
	"dmtrain/internal/task"
	"dmtrain/internal/task/lm"
	"dmtrain/internal/task/pairs"
)

// All are all tasks, the usual one first.
func All() task.Table { return task.Table{lm.Task{}, pairs.Task{}} }
