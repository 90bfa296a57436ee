package mask

// Plan is everything a step's inputs say about one (micro-)batch besides its tokens.
type Plan struct {
	First, B, T int
	Step        int
	Mask        Mask
	Rate        []float32 // (B, T): Bernoulli rate of hiding each token, as the bernoulli kernel gets it
	Hidden      []uint8   // (B, T): the draw, the same bits as the kernel's
	Targets     []int32   // (B, T): −1 bears no loss
	Window      []int32   // (B, T): a slot's look-ahead; 0 elsewhere
	Anchor      []bool    // (B): rows under the static mask
	Supervised  int       // targets that are not −1
}
