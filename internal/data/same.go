package data

import (
	"bytes"
	"fmt"
)

// sameText refuses files and generated texts that are both training and held-out text, whatever their names or links,
// and warns of copies.
func sameText(trainKey string, train []input, key string, held []input) (copies []string, same error) {
	bySize := map[int64][]*input{}
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

// equals compares the content of two inputs. One that can't be read equals none; reading it later reports why.
func (s *input) equals(o *input) bool {
	for _, x := range []*input{s, o} {
		if x.sum == nil && x.checksum() != nil {
			return false
		}
	}
	return bytes.Equal(s.sum, o.sum)
}
