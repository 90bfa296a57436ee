//go:build cuda && !cudaemu

package nvidia

import (
	"fmt"
	"strings"
)

// mostSince is how many launches are remembered at most, for the message of a fault.
const mostSince = 1 << 12

// launched notes kernels down, up to a number.
func (d *device) launched(names ...string) {
	if len(d.since)+len(names) <= max(cap(d.since), mostSince) {
		d.since = append(d.since, names...)
	}
}

// fault says which kernels an asynchronous error may come from. The context is lost then: every later call fails too.
func (d *device) fault(err error) error {
	switch {
	case err == nil:
		return nil
	case len(d.since) == 0:
		return err
	case len(d.since) == 1:
		return fmt.Errorf("kernel %s: %w", d.since[0], err)
	}
	var names []string
	seen := map[string]bool{}
	for _, n := range d.since {
		if !seen[n] {
			seen[n] = true
			names = append(names, n)
		}
	}
	return fmt.Errorf("%w, in one of the kernels %s; with DMTRAIN_GPU_SYNC=1 the very one is named", err,
		strings.Join(names, ", "))
}
