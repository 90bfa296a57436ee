package bench

import "dmtrain/internal/kernels"

// visiblePairs counts the pairs of query and key that a mask on the device lets be seen.
func visiblePairs(be kernels.Backend, m kernels.Mask) (int, error) {
	v, err := readMask(be, m)
	if err != nil {
		return 0, err
	}
	n := 0
	for b := range m.Batch {
		pos := v.pos[b*m.S : (b+1)*m.S]
		for q := b * m.T; q < (b+1)*m.T; q++ {
			lo, hi := v.lo[q], v.hi[q]
			for j, at := range pos {
				if lo <= at && at <= hi && v.tagged(q, b*m.S+j) {
					n++
				}
			}
		}
	}
	return n, nil
}

// vectors are a mask's on the host.
type vectors struct{ pos, lo, hi, tag, a, b []int32 }

// tagged says whether the second interval, if there is one, lets query q see key k.
func (v *vectors) tagged(q, k int) bool {
	return v.tag == nil || v.a[k] <= v.tag[q] && v.tag[q] <= v.b[k]
}

func readMask(be kernels.Backend, m kernels.Mask) (v vectors, err error) {
	for _, read := range []struct {
		dst *[]int32
		src kernels.Buffer
	}{{&v.pos, m.Pos}, {&v.lo, m.Lo}, {&v.hi, m.Hi}, {&v.tag, m.Tag}, {&v.a, m.A}, {&v.b, m.B}} {
		if read.src == nil {
			continue
		}
		*read.dst = make([]int32, read.src.Len())
		if err := be.Download(*read.dst, read.src); err != nil {
			return v, err
		}
	}
	return v, nil
}
