package main

import (
	"os"
	"runtime"
	"strconv"

	"github.com/spf13/cobra"
)

// threadsVariable is the environment variable for --threads.
const threadsVariable = "DMTRAIN_THREADS"

// maxThreads exceeds any machine's number, but can still be started.
const maxThreads = 1024

// addThreads adds --threads, for commands that compute.
func addThreads(cmd *cobra.Command) {
	cmd.Flags().Int("threads", 0, "how many `threads` compute on the CPU (default "+threadsVariable+
		", or the processors this process may use)")
	hideDefaults(cmd, "threads")
}

// setThreads sets GOMAXPROCS, which also determines the number of the kernels' workers, from --threads or the
// environment. The default is Go's: the processors available to the process, container quotas included. Results are
// the same bits with any number.
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
	if err != nil || n < 1 || n > maxThreads {
		return usagef("%s: %s is not a number of threads (1 to %d)", origin, text, maxThreads)
	}
	runtime.GOMAXPROCS(n)
	return nil
}
