package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/control"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/fabric"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/layout"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// tolerance is how much less than the added delay still counts as delayed: timers and schedulers are not exact.
const tolerance = 0.9

type networkConfig struct {
	Mode  string   `json:"mode"`
	Delay sdk.Span `json:"delay"`
	Cut   bool     `json:"cut"`
}

// zoneIsolation cuts a zone off from its load balancer and from the other zones. Its processes live.
func zoneIsolation() kind {
	return kind{
		name: "lab_zone_isolation", target: "lab_zone", undo: "the zone's network is back, and its node is waited for",
		schema: sdk.Schema{
			Doc: "Cuts a zone's network: nothing passes between the zone and its load balancer, the other zones, or the other region. The zone's processes live.",
			Attributes: []sdk.Attribute{{
				Name: "mode", Type: sdk.String, Default: string(fabric.Drop), OneOf: []string{string(fabric.Drop), string(fabric.Refuse)},
				Doc: "drop loses every packet: connections hang. refuse resets connections.",
			}},
		},
		plan: func(req sdk.Request, _ *world, _ control.Status, r *control.Record) ([]string, []sdk.Problem, error) {
			c := networkConfig{Mode: string(fabric.Drop)}
			err := req.Decode(&c)
			r.Kind, r.Mode = control.ZoneIsolation, c.Mode
			return []string{fmt.Sprintf("cut the network of %s (%s); the processes live", strings.Join(r.Targets, ", "), c.Mode)}, nil, err
		},
		inspect: inspectIsolation,
	}
}

// inspectIsolation asks each shop twice: through the network, and past it.
func inspectIsolation(ctx context.Context, w *world, r control.Record) (sdk.State, error) {
	st, err := w.Status(ctx)
	if err != nil {
		return sdk.State{Status: sdk.Unknown}, fmt.Errorf("reading the lab: %w", err)
	}
	return each(r.Targets, func(zone string) sdk.State {
		through, _, throughErr := fetch(ctx, w.lab.Front(zone), directTimeout)
		past := ask(ctx, w.lab.Shop(zone))
		evidence := fmt.Sprintf("%s answers %d through its network", zone, through)
		if throughErr != nil {
			evidence = fmt.Sprintf("%s cannot be reached through its network (past it: %s)", zone, past)
		}
		blocked := zoneBlocked(st, zone)
		switch {
		case throughErr != nil && blocked:
			return sdk.State{Status: sdk.Active, Evidence: evidence}
		case throughErr == nil && !blocked, !blocked && st.Procs[zone].State != "running":
			return sdk.State{Status: sdk.Inactive, Evidence: evidence}
		}
		return sdk.State{Status: sdk.Unknown, Evidence: evidence}
	}), nil
}

// zoneBlocked says whether every link of the zone is cut.
func zoneBlocked(st control.Status, zone string) bool {
	links, cut := 0, 0
	for name, rule := range st.Links {
		parts := strings.Split(name, ":")
		if parts[1] != zone && (len(parts) < 3 || parts[2] != zone) {
			continue
		}
		links++
		if rule.Block != fabric.Open {
			cut++
		}
	}
	return links > 0 && cut == links
}

// each joins the states of several things: one that differs makes the whole unknown.
func each(names []string, inspect func(string) sdk.State) sdk.State {
	var out sdk.State
	for i, name := range names {
		if s := inspect(name); i == 0 {
			out = s
		} else {
			out = both(out, s)
		}
	}
	return out
}

// zoneLatency makes a zone's shop slow to answer.
func zoneLatency() kind {
	return kind{
		name: "lab_latency", target: "lab_zone", undo: "the zone answers at its own speed",
		schema: sdk.Schema{
			Doc:        "Adds latency between a zone's shop and its load balancer.",
			Attributes: []sdk.Attribute{{Name: "delay", Type: sdk.Duration, Required: true, Doc: "What every request takes longer, half of it on each way."}},
		},
		plan: func(req sdk.Request, _ *world, _ control.Status, r *control.Record) ([]string, []sdk.Problem, error) {
			var c networkConfig
			err := req.Decode(&c)
			r.Kind, r.Delay = control.ZoneLatency, time.Duration(c.Delay)
			return []string{fmt.Sprintf("every request to %s takes %s longer", strings.Join(r.Targets, ", "), r.Delay)}, positive(r.Delay), err
		},
		inspect: func(ctx context.Context, w *world, r control.Record) (sdk.State, error) {
			return each(r.Targets, func(zone string) sdk.State { return inspectLatency(ctx, w, zone, r.Delay) }), nil
		},
	}
}

func positive(d time.Duration) []sdk.Problem {
	if d > 0 {
		return nil
	}
	return []sdk.Problem{{Severity: sdk.Error, Path: []string{"delay"}, Summary: "The delay must be longer than zero", Detail: `such as delay = "300ms"`}}
}

func inspectLatency(ctx context.Context, w *world, zone string, added time.Duration) sdk.State {
	_, took, err := fetch(ctx, w.lab.Front(zone), 2*added+time.Second)
	state := sdk.State{Status: sdk.Inactive, Evidence: fmt.Sprintf("%s answered after %s", zone, took.Round(time.Millisecond))}
	switch {
	case err != nil && took < time.Duration(tolerance*float64(added)):
		state = sdk.State{Status: sdk.Unknown, Evidence: fmt.Sprintf("%s does not answer: %v", zone, err)}
	case took >= time.Duration(tolerance*float64(added)):
		state.Status = sdk.Active
	}
	return state
}

// linkLatency makes the link between the regions slow, or cuts it.
func linkLatency() kind {
	return kind{
		name: "lab_link_latency", target: "lab_link", undo: "the link between the regions has its usual delay",
		schema: sdk.Schema{
			Doc: "Makes the link between the regions slow, or cuts it. The mirror in the other region falls behind.",
			Attributes: []sdk.Attribute{
				{Name: "delay", Type: sdk.Duration, Doc: "What is added to the delay of each direction."},
				{Name: "cut", Type: sdk.Bool, Default: false, Doc: "Nothing passes at all, and what is in flight is lost."},
			},
		},
		plan: planLink,
		inspect: func(ctx context.Context, w *world, r control.Record) (sdk.State, error) {
			return inspectLink(ctx, w, r.Delay, r.Cut), nil
		},
	}
}

func planLink(req sdk.Request, w *world, _ control.Status, r *control.Record) ([]string, []sdk.Problem, error) {
	var c networkConfig
	if err := req.Decode(&c); err != nil {
		return nil, nil, err
	}
	r.Kind, r.Delay, r.Cut = control.LinkLatency, time.Duration(c.Delay), c.Cut
	if c.Cut {
		return []string{"cut the link " + layout.Link}, nil, nil
	}
	effect := fmt.Sprintf("the link %s takes %s each way instead of %s", layout.Link, w.lab.Settings.LinkDelay+r.Delay, w.lab.Settings.LinkDelay)
	return []string{effect}, positive(r.Delay), nil
}

// aLink is one of the links between the regions; all have the same rule.
const aLink = "leaf:west-a:east-a"

// inspectLink opens a connection through the link. The far end speaks first, so its first byte shows the delay, and its
// absence the cut. The link's own rule says how long to wait for it; it is all there is to ask while the far end is dead,
// and about a delay while another fault has cut the link.
func inspectLink(ctx context.Context, w *world, added time.Duration, cut bool) sdk.State {
	st, err := w.Status(ctx)
	if err != nil {
		return sdk.State{Status: sdk.Unknown, Evidence: err.Error()}
	}
	usual, rule := w.lab.Settings.LinkDelay, st.Links[aLink]
	patience := rule.Delay + 500*time.Millisecond
	if rule.Block != fabric.Open {
		if !cut && added > 0 {
			return stateOf(rule.Delay >= usual+added, fmt.Sprintf("the link is cut by another fault; its rule is delay %s", rule.Delay))
		}
		patience = rule.Delay + 100*time.Millisecond // for nothing: every moment of it blurs when the fault began
	}
	for i, east := range layout.ZonesOf(layout.East) {
		took, err := firstByte(ctx, w.lab.LeafLink(layout.ZonesOf(layout.West)[i], east), patience)
		var timeout net.Error
		switch {
		case errors.As(err, &timeout) && timeout.Timeout():
			return stateOf(cut, fmt.Sprintf("nothing came through the link within %s", patience))
		case err == nil && took >= usual+time.Duration(tolerance*float64(added)):
			return stateOf(!cut && added > 0, fmt.Sprintf("the link took %s", took.Round(time.Millisecond)))
		case err == nil:
			return sdk.State{Status: sdk.Inactive, Evidence: fmt.Sprintf("the link took %s", took.Round(time.Millisecond))}
		}
	}
	active := rule.Block != fabric.Open
	if !cut {
		active = rule.Block == fabric.Open && rule.Delay >= usual+added
	}
	return stateOf(active, fmt.Sprintf("no zone in the east answers; the link's rule is delay %s, block %q", rule.Delay, rule.Block))
}

// cutByRule asks for the link's own rule only.
func cutByRule(ctx context.Context, w *world) sdk.State {
	st, err := w.Status(ctx)
	if err != nil {
		return sdk.State{Status: sdk.Unknown, Evidence: err.Error()}
	}
	rule := st.Links[aLink]
	return stateOf(rule.Block != fabric.Open, fmt.Sprintf("the rule of the link is block %q", rule.Block))
}

func stateOf(active bool, evidence string) sdk.State {
	if active {
		return sdk.State{Status: sdk.Active, Evidence: evidence}
	}
	return sdk.State{Status: sdk.Inactive, Evidence: evidence}
}

func firstByte(ctx context.Context, addr string, patience time.Duration) (time.Duration, error) {
	began := time.Now()
	c, err := (&net.Dialer{Timeout: patience}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close() }()
	if err := c.SetReadDeadline(began.Add(patience)); err != nil {
		return 0, err
	}
	_, err = c.Read(make([]byte, 1))
	return time.Since(began), err
}
