package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/control"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/layout"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// The modes of an outage.
const (
	modeKill   = "kill"
	modeFreeze = "freeze"
)

const directTimeout = 300 * time.Millisecond

func modeAttribute() sdk.Attribute {
	return sdk.Attribute{
		Name: "mode", Type: sdk.String, Default: modeKill, OneOf: []string{modeKill, modeFreeze},
		Doc: "kill ends the processes (SIGKILL). freeze stops them (SIGSTOP): connections stay open and hang, a gray failure.",
	}
}

type outageConfig struct {
	Mode    string `json:"mode"`
	CutLink bool   `json:"cut_link"`
}

// zoneOutage takes all processes of a zone away.
func zoneOutage() kind {
	return kind{
		name: "lab_zone_outage", target: "lab_zone", undo: "the zone's processes run again, and are waited for",
		schema:  sdk.Schema{Doc: "Loses a zone: all its processes are killed, or frozen, and stay so.", Attributes: []sdk.Attribute{modeAttribute()}},
		plan:    planZoneOutage,
		inspect: inspectProcesses,
	}
}

func planZoneOutage(req sdk.Request, _ *world, st control.Status, r *control.Record) ([]string, []sdk.Problem, error) {
	c := outageConfig{Mode: modeKill}
	if err := req.Decode(&c); err != nil {
		return nil, nil, err
	}
	r.Kind, r.Mode = control.ZoneOutage, c.Mode
	var effects []string
	for _, zone := range r.Targets {
		effects = append(effects, outageEffect(c.Mode, zone, st))
	}
	return effects, nil, nil
}

func outageEffect(mode, zone string, st control.Status) string {
	return fmt.Sprintf("%s %s: %s", map[string]string{modeKill: "SIGKILL to", modeFreeze: "SIGSTOP to"}[mode], zone, describe(st, zone))
}

// describe names the processes of a zone.
func describe(st control.Status, zone string) string {
	var out []string
	for _, name := range processesOf(st, zone) {
		out = append(out, fmt.Sprintf("%s (pid %d)", name, st.Procs[name].PID))
	}
	return strings.Join(out, ", ")
}

// processesOf are the zone's own process and those of the extra instances in it.
func processesOf(st control.Status, zone string) []string {
	var out []string
	for name := range st.Procs {
		if name == zone || strings.HasPrefix(name, zone+"-") {
			out = append(out, name)
		}
	}
	sort.Strings(out)
	return out
}

// regionOutage takes a whole region away, with its load balancer and its autoscaler.
func regionOutage() kind {
	return kind{
		name: "lab_region_outage", target: "lab_region", undo: "the region's processes run again, and are waited for",
		schema: sdk.Schema{
			Doc: "Loses a region: its three zones and its load balancer are killed, or frozen, and stay so.",
			Attributes: []sdk.Attribute{
				modeAttribute(),
				{Name: "cut_link", Type: sdk.Bool, Default: true, Doc: "Cut the link between the regions at the same instant, so that what was on its way to the mirror is lost."},
			},
		},
		plan: planRegionOutage, inspect: inspectRegion,
	}
}

func planRegionOutage(req sdk.Request, _ *world, st control.Status, r *control.Record) ([]string, []sdk.Problem, error) {
	c := outageConfig{Mode: modeKill, CutLink: true}
	if err := req.Decode(&c); err != nil {
		return nil, nil, err
	}
	r.Kind, r.Mode, r.Cut = control.RegionOutage, c.Mode, c.CutLink
	var effects []string
	if c.CutLink {
		effects = append(effects, "cut the link "+layout.Link+"; what is in flight is lost")
	}
	for _, region := range r.Targets {
		for _, zone := range layout.ZonesOf(region) {
			effects = append(effects, outageEffect(c.Mode, zone, st))
		}
		effects = append(effects, outageEffect(c.Mode, region+"-edge", st)+" (load balancer and autoscaler)")
	}
	return effects, nil, nil
}

func inspectRegion(ctx context.Context, w *world, r control.Record) (sdk.State, error) {
	state, err := inspectProcesses(ctx, w, r)
	if err != nil || !r.Cut {
		return state, err
	}
	if state.Status == sdk.Active {
		// Nobody is left at the far end to speak first, so waiting for a first byte would prove nothing and only blur when
		// the region was lost.
		return both(state, cutByRule(ctx, w)), nil
	}
	return both(state, inspectLink(ctx, w, 0, true)), nil
}

// both is active if both are, inactive if both are, and unknown in between.
func both(a, b sdk.State) sdk.State {
	out := sdk.State{Status: a.Status, Evidence: a.Evidence + "; " + b.Evidence}
	if a.Status != b.Status {
		out.Status = sdk.Unknown
	}
	return out
}

// inspectProcesses asks the kernel about each process by pid and start time, and each shop at its own port.
func inspectProcesses(ctx context.Context, w *world, r control.Record) (sdk.State, error) {
	st, err := w.Status(ctx)
	if err != nil {
		return sdk.State{Status: sdk.Unknown}, fmt.Errorf("reading the lab: %w", err)
	}
	var down, up, evidence []string
	for _, name := range processNames(st, r) {
		word, isDown := look(st.Procs[name], r.Mode)
		if shop := shopOf(st, name); shop != "" {
			word += ", its port " + ask(ctx, shop)
		}
		evidence = append(evidence, name+" "+word)
		if isDown {
			down = append(down, name)
		} else {
			up = append(up, name)
		}
	}
	state := sdk.State{Status: sdk.Unknown, Evidence: strings.Join(evidence, "; ")}
	switch {
	case len(up) == 0 && len(down) > 0:
		state.Status = sdk.Active
	case len(down) == 0 && !anyDead(st, up):
		state.Status = sdk.Inactive
	}
	return state, nil
}

func processNames(st control.Status, r control.Record) []string {
	var out []string
	for _, t := range r.Targets {
		if r.Kind == control.RegionOutage {
			for _, zone := range layout.ZonesOf(t) {
				out = append(out, processesOf(st, zone)...)
			}
			out = append(out, t+"-edge")
			continue
		}
		out = append(out, processesOf(st, t)...)
	}
	return out
}

// look says what the kernel says, and whether that is what the mode does.
func look(p control.ProcessStatus, mode string) (string, bool) {
	switch {
	case !p.Alive():
		return fmt.Sprintf("pid %d is dead", p.PID), mode == modeKill
	case p.Stopped():
		return fmt.Sprintf("pid %d is stopped", p.PID), mode == modeFreeze
	}
	return fmt.Sprintf("pid %d runs", p.PID), false
}

// anyDead tells a zone that was never frozen from one that has died of something else.
func anyDead(st control.Status, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return !st.Procs[name].Alive() || st.Procs[name].Stopped() })
}

func shopOf(st control.Status, name string) string {
	for _, i := range st.Regions[layout.RegionOf(name)].Instances {
		if i.Name == name {
			return i.Direct
		}
	}
	return ""
}

// ask says how a shop's own port behaves.
func ask(ctx context.Context, addr string) string {
	status, _, err := fetch(ctx, addr, directTimeout)
	var timeout net.Error
	switch {
	case err == nil:
		return fmt.Sprintf("answers %d", status)
	case errors.As(err, &timeout) && timeout.Timeout():
		return "hangs"
	}
	return "refuses"
}

// fetch asks a shop whether it is ready, over a connection of its own, and says how long that took.
func fetch(ctx context.Context, addr string, patience time.Duration) (int, time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/readyz", nil)
	if err != nil {
		return 0, 0, err
	}
	transport := &http.Transport{DisableKeepAlives: true}
	began := time.Now()
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return 0, time.Since(began), err
	}
	return resp.StatusCode, time.Since(began), resp.Body.Close()
}
