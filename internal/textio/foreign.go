package textio

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// heads are the beginnings of files that users mistake for text or tensors.
var heads = []struct{ head, kind string }{
	{"version https://git-lfs.github.com/",
		"a Git LFS pointer: the file itself was not fetched (\"git lfs pull\" does)"},
	{"\x1f\x8b", "gzip: unpack it"},
	{"PK\x03\x04", "a zip archive: unpack it (if it is a model of PyTorch's, save that again as safetensors)"},
	{"\xfd7zXZ\x00", "xz: unpack it"},
	{"\x28\xb5\x2f\xfd", "Zstandard: unpack it"},
	{"BZh91AY&SY", "bzip2: unpack it"},
	{"%PDF-", "a PDF document"},
	{"PAR1\x15", "a Parquet file"},
	{"ARROW1\x00", "an Arrow file"},
	{"SQLite format 3\x00", "an SQLite database"},
	{"\x00\x00\xfe\xff", encoded("UTF-32 (big-endian)", "UTF-32")},
	{"\xff\xfe\x00\x00", encoded("UTF-32 (little-endian)", "UTF-32")},
	{"\xfe\xff", encoded("UTF-16 (big-endian)", "UTF-16")},
	{"\xff\xfe", encoded("UTF-16 (little-endian)", "UTF-16")},
}

func encoded(kind, name string) string {
	return fmt.Sprintf("%s: convert it, as by iconv -f %s -t UTF-8", kind, name)
}

// Foreign names what a file with that head is, if it can't be text; otherwise it is empty.
func Foreign(head []byte) string {
	for _, h := range heads {
		if bytes.HasPrefix(head, []byte(h.head)) {
			return h.kind
		}
	}
	return ""
}

// headMayGoOn says whether more bytes could make head that of a foreign file or a byte order mark.
func headMayGoOn(head []byte) bool {
	if bytes.HasPrefix(mark, head) && len(head) < len(mark) {
		return true
	}
	for _, h := range heads {
		if len(head) < len(h.head) && bytes.HasPrefix([]byte(h.head), head) {
			return true
		}
	}
	return false
}

// whatHasNULs names the encoding or kind of a file with NUL bytes, from a piece at the given offset.
func whatHasNULs(piece []byte, at int64) string {
	var zeros [4]int // by place in a group of four bytes
	n := 0
	for i, b := range piece {
		if b == 0 {
			zeros[(at+int64(i))%4]++
			n++
		}
	}
	even, odd := zeros[0]+zeros[2], zeros[1]+zeros[3]
	kind, name := "", ""
	switch fours := len(piece) / 4; {
	case n < 2 || n*200 < len(piece) || n*5 < len(piece) && utf8.Valid(piece):
	case fours > 0 && zeros[3] >= fours && zeros[0] == 0 && even > 0:
		kind, name = "UTF-32 (little-endian)", "UTF-32LE"
	case fours > 0 && zeros[0] >= fours && zeros[3] == 0 && odd > 0:
		kind, name = "UTF-32 (big-endian)", "UTF-32BE"
	case even == 0:
		kind, name = "UTF-16 (little-endian)", "UTF-16LE"
	case odd == 0:
		kind, name = "UTF-16 (big-endian)", "UTF-16BE"
	}
	if kind == "" {
		return "not text: has NUL bytes"
	}
	return "not UTF-8 but, as it seems, " + encoded(kind, name)
}
