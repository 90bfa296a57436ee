package tokenizer

// Tokenizer cuts text into tokens. It is immutable and safe for concurrent use.
type Tokenizer interface {
	Kind() string
	// Vocab is how many ids there are, specials included.
	Vocab() int
	Specials() Specials
	// Encode appends the ids of a text to dst, and counts the characters it had to leave out.
	Encode(dst []int32, text []byte) (ids []int32, unknown int)
	// Decode appends the bytes of ids to dst. Specials give nothing; an id outside the vocabulary gives U+FFFD.
	Decode(dst []byte, ids []int32) []byte
	// SplitPoint is the largest n for which text[:n] and what follows may be encoded apart and give the ids
	// of the whole, however the text goes on; 0 if there is none. It lets a text of any size be encoded
	// in pieces.
	SplitPoint(text []byte) int
	// Files are the files, by name, from which Load makes this tokenizer again.
	Files() map[string][]byte
}

// Specials are the ids with a role; −1 is a role that no id plays.
type Specials struct {
	Begin int32 // stands before every document, and starts a sample without a prompt
	End   int32 // stands after every document, and ends a sample
}

// EndOfText is how the special that begins and ends documents is written.
const EndOfText = "<|endoftext|>"

// noSpecials is a tokenizer in whose texts nothing begins or ends.
var noSpecials = Specials{Begin: -1, End: -1}
