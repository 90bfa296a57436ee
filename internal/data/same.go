package data

import (
	"bytes"
	"fmt"
)

// sameText looks for files and generated texts that both train and are held out, under whatever name or link:
// nothing is held out then. And for copies, which it warns of.
func sameText(trainKey string, train []source, key string, held []source) (copies []string, same error) {
	bySize := map[int64][]*source{}
	for i := range train {
		bySize[train[i].size] = append(bySize[train[i].size], &train[i])
	}
	for i := range held {
		h := &held[i]
		for _, t := range bySize[h.size] {
			if t.id == h.id {
				return nil, fmt.Errorf("%s: %s is in %s too (%s): name other text, or none, and a share of %s is "+
					"split off",
					key, h.name, trainKey, t.name, trainKey)
			}
			if t.file && h.file && h.size > 0 && t.equals(h) {
				copies = append(copies, fmt.Sprintf("%s: %s is a copy of %s, which is in %s: its loss is no measure",
					key, h.name, t.name, trainKey))
				break
			}
		}
	}
	return copies, nil
}

// equals compares what two files hold. One that can't be read is none's equal: reading it will say why.
func (s *source) equals(o *source) bool {
	for _, x := range []*source{s, o} {
		if x.sum == nil && x.checksum() != nil {
			return false
		}
	}
	return bytes.Equal(s.sum, o.sum)
}
