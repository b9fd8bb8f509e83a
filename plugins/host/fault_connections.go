package host

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gameday-toolkit/gameday/plugins/host/internal/worker"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

const (
	// mostConnections is how many a worker takes where none is refused: there are some 28,000 ports to come from.
	mostConnections = 10_000
	// spareFDs are the open files of a worker that are no connections.
	spareFDs = 64
	// turnsAway is how soon an endpoint that takes no more is expected to close a connection.
	turnsAway = 300 * time.Millisecond
)

type connectionConfig struct {
	Connections int    `json:"connections"`
	Opening     string `json:"opening"`
	Base64      string `json:"opening_base64"`
}

func connectionExhaustion() kind[load] {
	return pressure("host_connection_exhaustion", "host_endpoint", sdk.Schema{
		Doc: "A worker holds TCP connections until the server takes no more: its limit, or the queue of a listener that does not accept, is used up. " +
			"One that the server closes is opened again, and what becomes free is taken. If every process of gameday dies at once, the kernel ends the " +
			"worker and closes its connections.",
		Attributes: []sdk.Attribute{
			{Name: "connections", Type: sdk.Number, Default: 0, Doc: "How many to hold. 0: until one is refused, and at most 10000."},
			{Name: "opening", Type: sdk.String, Doc: `What to send first on each, for servers at which a connection counts from its first message on: text with the escapes of Go, so \x00 is a byte (and stands as \\x00 in a quoted string of HCL).`},
			{Name: "opening_base64", Type: sdk.String, Doc: "The same in base64."},
		},
	}, orderConnections, inspectConnections)
}

func orderConnections(ctx context.Context, req sdk.Request, t sdk.Target, s *worker.Spec) (string, []sdk.Problem, error) {
	var c connectionConfig
	if err := req.Decode(&c); err != nil {
		return "", nil, err
	}
	address, problems := takeEndpoint(t)
	if len(problems) > 0 {
		return "", problems, nil
	}
	opening, problems := c.opening()
	most, limited, err := c.most()
	if problems = append(problems, limited...); err != nil || len(problems) > 0 {
		return "", problems, err
	}
	s.Kind, s.Address, s.Count, s.Opening = worker.Connections, address, most, opening
	if refusal := worker.Try(ctx, *s, turnsAway); refusal != "" {
		return "", []sdk.Problem{problem("targets", fmt.Sprintf("%s takes no connection even now: %s", t.Name, refusal),
			"Is the server running, and is the opening what it expects of a client?")}, nil
	}
	if c.Connections > 0 {
		return fmt.Sprintf("holds %d connections to %s (%s)", most, t.Name, address), nil, nil
	}
	return fmt.Sprintf("holds connections to %s (%s) until one is refused, at most %d", t.Name, address, most), nil, nil
}

// most is how many connections to hold.
func (c connectionConfig) most() (int, []sdk.Problem, error) {
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return 0, nil, fmt.Errorf("reading the limit of open files: %w", err)
	}
	all := int(min(mostConnections, max(files.Max, spareFDs)-spareFDs))
	switch {
	case c.Connections < 0 || c.Connections > mostConnections:
		return 0, []sdk.Problem{problem("connections", fmt.Sprintf("%d connections", c.Connections), fmt.Sprintf("Use 1 to %d, or 0 for as many as the server takes.", mostConnections))}, nil
	case c.Connections > all:
		return 0, []sdk.Problem{lacking("host_connection_exhaustion", "a higher limit of open files",
			fmt.Sprintf("%d connections are open files, of which this process may have %d (ulimit -Hn).", c.Connections, files.Max))}, nil
	case c.Connections > 0:
		return c.Connections, nil, nil
	}
	return all, nil, nil
}

// opening is what to send on each connection.
func (c connectionConfig) opening() ([]byte, []sdk.Problem) {
	const mostOpening = 4096 // it is on the worker's command line
	out, err := base64.StdEncoding.DecodeString(c.Base64)
	if err != nil {
		return nil, []sdk.Problem{problem("opening_base64", "This is no base64", err.Error())}
	}
	if c.Opening != "" && c.Base64 != "" {
		return nil, []sdk.Problem{problem("opening", "What to send is not clear", "Give either opening or opening_base64.")}
	}
	for rest := c.Opening; rest != ""; {
		r, wide, tail, err := strconv.UnquoteChar(rest, 0)
		if err != nil {
			return nil, []sdk.Problem{problem("opening", "This is no text with the escapes of Go", fmt.Sprintf("At %.20q: use \\xHH for a byte, and \\\\ for \\.", rest))}
		}
		if rest = tail; wide {
			out = append(out, string(r)...)
		} else {
			out = append(out, byte(r))
		}
	}
	if len(out) > mostOpening {
		return nil, []sdk.Problem{problem("opening", fmt.Sprintf("%d bytes", len(out)), fmt.Sprintf("At most %d.", mostOpening))}
	}
	return out, nil
}

// inspectConnections counts the connections, and where that does not settle it tries one more, as a client would.
func inspectConnections(ctx context.Context, l load, f worker.Found) (sdk.State, error) {
	held, err := f.Connected()
	switch {
	case err != nil:
		return unknown("worker %d: %v", f.Info.PID, err), nil
	case held == 0:
		return unknown("worker %d runs and holds no connection", f.Info.PID), nil
	case held >= l.Count:
		return active("worker %d holds %d connections to %s, all that it is to hold", f.Info.PID, held, l.Address), nil
	}
	for range 3 {
		if refusal := worker.Try(ctx, l.Spec, turnsAway); refusal != "" {
			return active("worker %d holds %d connections to %s, and one more is refused: %s", f.Info.PID, held, l.Address, refusal), nil
		}
		select { // the worker takes the place that was free, and is again now
		case <-time.After(2 * worker.Again):
		case <-ctx.Done():
			return sdk.State{}, context.Cause(ctx)
		}
	}
	return unknown("worker %d holds %d connections to %s, which still takes more", f.Info.PID, held, l.Address), nil
}
