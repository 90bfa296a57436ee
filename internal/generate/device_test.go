//go:build cuda || cudaemu

package generate

import (
	"context"
	"errors"
	"slices"
	"testing"

	"dmtrain/internal/gpu"
	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/cuda"
	"dmtrain/internal/mask"
)

// ways are all ways to decode, each on a small model of random weights. They return what was decoded.
func ways(t *testing.T, be kernels.Backend) map[string]func() []int32 {
	m, pairs := randomModelOn(t, be), randomPairModelOn(t, be)
	t.Cleanup(m.Free)
	d, err := NewDecoder(m, mask.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Free)
	sources := mixedSources()[:3]
	blocks := Blocks{Size: 4, Acceptance: Acceptance{Threshold: 0.5}}
	return map[string]func() []int32{
		"causal": func() []int32 {
			return continued(t, d, greedy(6))
		},
		"parallel blocks": func() []int32 {
			return continued(t, d, greedy(8).inBlocks(blocks.Size, blocks.Acceptance))
		},
		"blanks": func() []int32 {
			f, err := NewFiller(be, m, infill(mask.StructureCausal, 0))
			if err != nil {
				t.Fatal(err)
			}
			text, _, _, err := f.Fill(context.Background(), [][]int32{{3, 1, 4}, {9, 2}},
				FillOptions{Options: greedy(0), Length: 3})
			if err != nil {
				t.Fatal(err)
			}
			return text
		},
		"translate": func() []int32 {
			return slices.Concat(translated(t, pairs, waitK(2), sources, greedyPairs(6))...)
		},
		"beams": func() []int32 {
			o := greedyPairs(6)
			o.Beams = 3
			return slices.Concat(translated(t, pairs, waitK(2), sources, o)...)
		},
		"translate in blocks": func() []int32 {
			ids, _ := inParallel(t, pairs, waitingInfill(), sources, greedyPairs(6), blocks)
			return slices.Concat(ids...)
		},
		"stream": func() []int32 {
			ids, _ := streamed(t, pairs, waitK(2), sources[0], greedyPairs(6))
			return ids
		},
	}
}

func continued(t *testing.T, d *Decoder, o Options) (ids []int32) {
	t.Helper()
	if _, err := d.Continue(context.Background(), []int32{3, 1, 4}, o, collect(&ids)); err != nil {
		t.Fatal(err)
	}
	return ids
}

// Every way of decoding finds on a device what it finds on the CPU.
func TestDecodingOnDevice(t *testing.T) {
	be, err := cuda.Open(0, cuda.Options{})
	if errors.Is(err, gpu.ErrUnavailable) {
		t.Skip("no device here")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { be.Close() })
	host := ways(t, openCPU(t))
	for name, decode := range ways(t, be) {
		t.Run(name, func(t *testing.T) {
			if got, want := decode(), host[name](); !slices.Equal(got, want) || len(got) == 0 {
				t.Errorf("%v, on the CPU %v", got, want)
			}
		})
	}
}
