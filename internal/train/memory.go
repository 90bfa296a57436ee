package train

import (
	"bufio"
	"fmt"
	"os"
)

// hostMemory is the number of bytes that the host has free without swapping; known only on Linux.
func hostMemory() (free uint64, known bool) {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0, false
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if n, _ := fmt.Sscanf(lines.Text(), "MemAvailable: %d kB", &free); n == 1 {
			return free << 10, true
		}
	}
	return 0, false
}
