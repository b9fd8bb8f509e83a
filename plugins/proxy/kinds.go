package proxy

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/proxy/internal/api"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// kind is what sets one fault apart from the others: a type of toxic and the attributes that make one.
type kind struct {
	name, toxic, doc string
	own              []sdk.Attribute
	// attributes are those of the toxic.
	attributes func(config) (map[string]any, []sdk.Problem)
}

// config holds the attributes of all the faults.
type config struct {
	Direction      string   `json:"direction"`
	Percent        float64  `json:"percent"`
	Delay          sdk.Span `json:"delay"`
	Jitter         sdk.Span `json:"jitter"`
	After          sdk.Span `json:"close_after"`
	BytesPerSecond float64  `json:"bytes_per_second"`
	Bytes          float64  `json:"bytes"`
	Size           float64  `json:"size"`
	Variation      float64  `json:"variation"`
}

const (
	upstream   = "upstream"
	downstream = "downstream"
	both       = "both"
	percentAll = 100
)

// diesAtOnce is how every one of these faults ends when nobody is left to revert it.
const diesAtOnce = " If every process of gameday dies at once, gameday-plugin-proxy serve ends the fault within 5 seconds; " +
	"any other Toxiproxy keeps it until gameday recover."

func (k kind) schema() sdk.Schema {
	return sdk.Schema{Doc: k.doc + diesAtOnce, Attributes: append(slices.Clone(k.own),
		sdk.Attribute{Name: "direction", Type: sdk.String, Default: downstream, OneOf: []string{upstream, downstream, both},
			Doc: "What is hit: what clients send (upstream), what they are sent (downstream), or both."},
		sdk.Attribute{Name: "percent", Type: sdk.Number, Default: percentAll,
			Doc: "The share of the connections that is hit, by chance, which Toxiproxy calls toxicity. With direction both, each direction has its own luck."},
	)}
}

// toxics are what the fault puts on each proxy.
func (f *fault) toxics(req sdk.Request) ([]api.Toxic, []sdk.Problem, error) {
	c := config{Direction: downstream, Percent: percentAll}
	if err := req.Decode(&c); err != nil {
		return nil, nil, err
	}
	attributes, problems := f.attributes(c)
	if c.Percent <= 0 || c.Percent > percentAll || math.IsNaN(c.Percent) {
		problems = append(problems, problem("percent", fmt.Sprintf("%v %% of the connections", c.Percent), "Use more than 0, and at most 100."))
	}
	streams := []string{c.Direction}
	if c.Direction == both {
		streams = []string{upstream, downstream}
	}
	var out []api.Toxic
	for _, s := range streams {
		out = append(out, api.Toxic{Name: name(req, s), Type: f.toxic, Stream: s, Toxicity: c.Percent / percentAll, Attributes: attributes})
	}
	return out, problems, nil
}

// kindOf is the fault that a type of toxic belongs to. All faults undo alike, so any would do for a type that is none of ours.
func kindOf(toxic string) string {
	all := kinds()
	at := slices.IndexFunc(all, func(k kind) bool { return k.toxic == toxic })
	return all[max(at, 0)].name
}

// whole is a length of time in a toxic's unit.
func whole(path string, span sdk.Span, unit, least time.Duration) (int64, []sdk.Problem) {
	d := time.Duration(span)
	if d < least || d > time.Hour || d%unit != 0 {
		return 0, []sdk.Problem{problem(path, fmt.Sprintf("%s = %v is out of reach of a Toxiproxy", path, d), fmt.Sprintf("Use whole %ss, from %v to 1h.", unitName(unit), least))}
	}
	return int64(d / unit), nil
}

func unitName(unit time.Duration) string {
	if unit == time.Microsecond {
		return "microsecond"
	}
	return "millisecond"
}

// count is a whole number that is no less than the least.
func count(path string, v, least float64) (int64, []sdk.Problem) {
	const most = 1 << 40
	if v != math.Trunc(v) || v < least || v > most {
		return 0, []sdk.Problem{problem(path, fmt.Sprintf("%s = %v is out of reach of a Toxiproxy", path, v), fmt.Sprintf("Use a whole number, at least %v.", least))}
	}
	return int64(v), nil
}
