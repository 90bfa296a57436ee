// Package canary checks masks by losses alone. It writes random text of known entropy, trains a small model on it
// under a configuration's masks, through the same code as every run, and compares each loss with that of the best
// predictor that knows no more than its position may know. A loss that is significantly lower proves a leak, wherever
// in the program it is.
//
// The bound of a token is −ln p(token | what the position may know). The mean of loss − bound is a KL divergence, so
// at least 0 for every class of predictions that is chosen by what the position may know; the randomness of the text
// mostly cancels in the difference. Classes chosen by the answer (such as a document's ends) are reported, but prove
// nothing.
package canary
