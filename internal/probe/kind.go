package probe

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/gameday-toolkit/gameday/internal/probe/client"
	"github.com/gameday-toolkit/gameday/internal/sample"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Env is what the probers of one run share.
type Env struct {
	Base     time.Time // zero of the run's monotonic clock
	Resolver string    // DNS server, "ip:port", for kinds whose block sets no resolver. Empty: the system's
}

// resolver is the block's own, or the run's.
func (e Env) resolver(own string) string { return orDefault(own, e.Resolver) }

// Kind is one type of probe.
type Kind struct {
	// Schema describes the block beyond what every probe has (rate, timeout, slots).
	Schema sdk.Schema
	// New makes a prober from the block's values, by Schema. It opens no connection.
	New func(cfg json.RawMessage, env Env) (Prober, error)
}

// Answer is what one question gave.
type Answer struct {
	Good   bool
	Class  sample.Class // of an answer that is not good. NoSlot: it could not be asked, for a want of this machine
	Detail string       // one line for people about an answer that is not good. Never a header or a body
}

// Prober asks the system one question at a time, from many goroutines at once. Probe returns when its context ends, whose
// cause then is context.DeadlineExceeded.
type Prober interface {
	Probe(context.Context) Answer
	Close() error
}

// Kinds are all types of probe, by the label of their block.
func Kinds() map[string]Kind {
	return map[string]Kind{
		"http":       {Schema: httpSchema(), New: newHTTP},
		"tcp":        {Schema: tcpSchema(), New: newTCP},
		"dns":        {Schema: dnsSchema(), New: newDNS},
		"grpc":       {Schema: grpcSchema(), New: newGRPC},
		"postgres":   {Schema: postgresSchema(), New: newPostgres},
		"redis":      {Schema: redisSchema(), New: newRedis},
		"exec":       {Schema: execSchema(), New: newExec},
		"prometheus": {Schema: prometheusSchema(), New: newPrometheus},
	}
}

// Latency is expect.latency of a probe's block: the longest that a good answer may take from its intended start. Zero
// means that only the timeout limits it.
func Latency(cfg json.RawMessage) (time.Duration, error) {
	var c struct {
		Expect struct {
			Latency client.Duration `json:"latency"`
		} `json:"expect"`
	}
	if err := json.Unmarshal(cfg, &c); err != nil {
		return 0, fmt.Errorf("reading expect.latency: %w", err)
	}
	return time.Duration(c.Expect.Latency), nil
}

func latencyAttribute() sdk.Attribute {
	return sdk.Attribute{Name: "latency", Type: sdk.Duration, Doc: "Longest that a good answer may take, from the intended start of the sample"}
}

func good() Answer { return Answer{Good: true} }

func bad(class sample.Class, format string, args ...any) Answer {
	return Answer{Class: class, Detail: fmt.Sprintf(format, args...)}
}

// failed is the answer for an error of the connection. Where time ran out while a name was being looked up, it was DNS
// that failed, and not the service.
func failed(ctx context.Context, err error, d *client.Dialer, host string) Answer {
	class := client.Classify(err)
	if class != sample.DNS && class != sample.NoSlot && ctx.Err() != nil {
		class = sample.Timeout
		if d != nil && d.Waiting(host) {
			return bad(sample.DNS, "looking up %s: no answer in time", host)
		}
	}
	return Answer{Class: class, Detail: err.Error()}
}
