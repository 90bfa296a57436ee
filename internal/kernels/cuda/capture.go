package cuda

import (
	"dmtrain/internal/gpu"
	"dmtrain/internal/kernels"
)

var _ kernels.Capturer = (*Backend)(nil)

// Capture implements kernels.Capturer by a CUDA graph.
func (b *Backend) Capture(work func()) (kernels.Captured, error) {
	g, err := b.dev.Capture(work)
	if err != nil {
		return nil, err
	}
	b.captures++
	return &captured{b, g}, nil
}

type captured struct {
	b     *Backend
	graph *gpu.Graph
}

// Replay implements kernels.Captured.
func (c *captured) Replay() { c.graph.Replay() }

// Free implements kernels.Captured.
func (c *captured) Free() {
	c.graph.Free()
	if c.b.captures--; c.b.captures == 0 {
		for _, p := range c.b.outgrown {
			c.b.dev.Free(p)
		}
		c.b.outgrown = nil
	}
}
