package ref

import "testing"

// With smoothing ε the loss is (1−ε) times the target's and ε times the mean over all classes.
func TestSmoothedSlope(t *testing.T) {
	const v, smoothing = 7, 0.2
	logits := numbers(v, 1)
	for target := range v {
		loss := func(x []float64) float64 {
			sum := (1 - smoothing) * classify(x, target).nll
			for class := range v {
				sum += smoothing / v * classify(x, class).nll
			}
			return sum
		}
		holdGradient(t, "dlogits", loss, logits, smoothedSlope(logits, target, smoothing))
	}
}

// PyTorch's cross_entropy with label_smoothing=0.1, a mean over the two tokens that have a target.
func TestSmoothedSlopeIsPyTorchs(t *testing.T) {
	logits := [][]float64{{1, 2, 0.5, -1}, {3, 3, -2, 0}, {0.1, 0.2, 0.3, 0.4}}
	slopes := [][]float64{
		{0.099603909024, -0.157769981201, 0.055494457897, 0.002671614280},
		{0.230628576732, 0.230628576732, -0.010861812536, -0.450395340928},
		{0, 0, 0, 0},
	}
	for i, target := range []int{1, 3, -1} {
		half := each(smoothedSlope(logits[i], target, 0.1), func(g float64) float64 { return g / 2 })
		near(t, "slope", half, slopes[i], printed)
	}
}
