package task

// Identity says which text a run is trained on, for a resumed run to see that it is still the same.
type Identity struct {
	Train uint32 `json:"train"` // checksums of tokens
	Valid uint32 `json:"valid"`
	Test  uint32 `json:"test,omitempty"`
	// tokens before those that are split off; 0 where whole rows are, and in old runs
	Cut int `json:"cut,omitempty"`
}

// Same says whether a run may go on with the text of another. What tests may come or change: it decides nothing.
func (was Identity) Same(now Identity) bool {
	return was.Train == now.Train && was.Valid == now.Valid && (was.Cut == now.Cut || was.Cut == 0)
}

// OutdatedError is the error of opening, to train on, the text of a run that an earlier program prepared otherwise.
type OutdatedError struct {
	Reason string // what that program did: "made the tokenizer …"
}

func (e *OutdatedError) Error() string { return "the program that began this run " + e.Reason }
