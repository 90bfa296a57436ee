package cpu

import (
	"os"
	"strconv"
	"strings"
)

// available is how many bytes the kernel thinks can be had without swapping.
func available() (uint64, bool) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, false
	}
	_, rest, found := strings.Cut(string(text), "MemAvailable:")
	if !found {
		return 0, false
	}
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0, false
	}
	kib, err := strconv.ParseUint(fields[0], 10, 64)
	return kib << 10, err == nil
}
