package main

import (
	"os"
	"runtime"
	"strconv"

	"github.com/spf13/cobra"
)

// threadsVariable is the environment variable that stands for --threads.
const threadsVariable = "DMTRAIN_THREADS"

// mostThreads is more than any machine has, and few enough to start.
const mostThreads = 1024

// addThreads is for every command that computes.
func addThreads(cmd *cobra.Command) {
	cmd.Flags().Int("threads", 0, "how many `threads` compute on the CPU (default "+threadsVariable+
		", or the processors this process may use)")
	hideDefaults(cmd, "threads")
}

// setThreads follows --threads, or else the environment. It sets Go's own number of threads, which the kernels'
// workers and all else go by; left alone, that is how many processors the system gives the process, a container's
// quota included. The results are the same bits with any number.
func setThreads(cmd *cobra.Command) error {
	flag := cmd.Flags().Lookup("threads")
	if flag == nil {
		return nil
	}
	origin, text := "--threads", flag.Value.String()
	if !flag.Changed {
		origin, text = threadsVariable, os.Getenv(threadsVariable)
	}
	if text == "" {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > mostThreads {
		return usagef("%s: %s is not a number of threads (1 to %d)", origin, text, mostThreads)
	}
	runtime.GOMAXPROCS(n)
	return nil
}
