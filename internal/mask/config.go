package mask

import "math"

// Config is the mask section of a configuration.
type Config struct {
	Structure string `mapstructure:"structure"` // causal | full | prefix | window | blocks | sinks | lookahead
	Window    int    `mapstructure:"window"`    // window, sinks, lookahead: how many; prefix, blocks: their length
	Sinks     int    `mapstructure:"sinks"`     // sinks: how many first tokens of a document stay visible

	Cross string `mapstructure:"cross"`  // full | wait_k: what the target sees of the source; task seq2seq
	WaitK int    `mapstructure:"wait_k"` // wait_k: source tokens read before the first target token

	WaitMore int `mapstructure:"wait_more"` // wait_k: how many more at openness 1; 0 = seq_len

	SourceProb float64 `mapstructure:"source_prob"` // Bernoulli rate of hiding a source token in training; task seq2seq

	Form      string  `mapstructure:"form"`       // none | input | infill
	Prob      float64 `mapstructure:"prob"`       // Bernoulli rate of hiding a token
	Fill      string  `mapstructure:"fill"`       // zero | learned
	MaxWindow int     `mapstructure:"max_window"` // infill: the largest look-ahead; 0 = seq_len/4
	EdgeDrop  float64 `mapstructure:"edge_drop"`  // Bernoulli rate of dropping single attention edges

	Control  string   `mapstructure:"control"`  // fixed | linear | adaptive | inverse | yoked | two_pass
	Openness float64  `mapstructure:"openness"` // fixed: u
	Schedule Schedule `mapstructure:"schedule"` // linear
	YokedTo  string   `mapstructure:"yoked_to"` // yoked: the run directory whose openness is replayed
	// skill | target_prob | accuracy | confidence | entropy | margin
	Reliability string     `mapstructure:"reliability"`
	Anchors     int        `mapstructure:"anchors"` // every n-th row is an anchor; 0 = none
	Buckets     int        `mapstructure:"buckets"` // controller states by position within the document
	Low         float64    `mapstructure:"low"`
	High        float64    `mapstructure:"high"`
	Beta        float64    `mapstructure:"beta"`
	OpenRate    float64    `mapstructure:"open_rate"`
	CloseRate   float64    `mapstructure:"close_rate"`
	Deadband    float64    `mapstructure:"deadband"`
	MinTokens   int        `mapstructure:"min_tokens"`
	Warmup      int        `mapstructure:"warmup"`     // 0 = max(100, train.warmup)
	ProbRange   [2]float64 `mapstructure:"prob_range"` // input under a moving control: rate when open, rate when closed
	Certify     bool       `mapstructure:"certify"`
}

// Schedule is control linear: openness goes From … To over Steps, then stays.
type Schedule struct {
	From  float64 `mapstructure:"from"`
	To    float64 `mapstructure:"to"`
	Steps int     `mapstructure:"steps"` // 0 = train.steps
}

// DefaultConfig is the static causal mask.
func DefaultConfig() Config {
	return Config{
		Structure:   "causal",
		Sinks:       4,
		Cross:       CrossFull,
		WaitK:       3,
		Form:        "none",
		Prob:        0.15,
		Fill:        "zero",
		Control:     "fixed",
		Openness:    1,
		Schedule:    Schedule{From: 0, To: 1},
		Reliability: "skill",
		Anchors:     4,
		Buckets:     1,
		Low:         0.10,
		High:        0.50,
		Beta:        0.98,
		OpenRate:    0.01,
		CloseRate:   0.02,
		Deadband:    0.005,
		MinTokens:   64,
		ProbRange:   [2]float64{0.15, 0.30},
		Certify:     true,
	}
}

// maxWindow is W, the largest look-ahead at openness u.
func (c *Config) maxWindow(u float64) int { return int(math.Round(u * float64(c.MaxWindow))) }

// resolve fills in every "0 = default" that depends on the run.
func (c Config) resolve(run Run) Config {
	if c.MaxWindow == 0 {
		c.MaxWindow = run.SeqLen / 4
	}
	if c.WaitMore == 0 {
		c.WaitMore = run.SeqLen
	}
	if c.Schedule.Steps == 0 {
		c.Schedule.Steps = run.Steps
	}
	if c.Warmup == 0 {
		c.Warmup = max(100, run.Warmup)
	}
	return c
}
