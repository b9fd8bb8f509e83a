package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/control"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/labdir"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/layout"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type (
	zones    struct{ p *provider }
	regions  struct{ p *provider }
	services struct{ p *provider }
	links    struct{ p *provider }
)

// selectors are those that any of the target types may have.
type selectors struct {
	Names  []string `json:"names"`
	Region string   `json:"region"`
}

func namesAttribute(of string) sdk.Attribute {
	return sdk.Attribute{Name: "names", Type: sdk.StringList, Doc: "Only those of these names: " + of + ". By default all."}
}

func (*zones) Schema() sdk.Schema {
	return sdk.Schema{
		Doc: "A zone: the order service, its node of the store, and whatever the autoscaler has launched there.",
		Attributes: []sdk.Attribute{
			namesAttribute(strings.Join(layout.Zones(), ", ")),
			{Name: "region", Type: sdk.String, OneOf: layout.Regions(), Doc: "Only the zones of this region."},
		},
	}
}

func (*regions) Schema() sdk.Schema {
	return sdk.Schema{
		Doc:        "A region: three zones, a load balancer, an autoscaler, a quota.",
		Attributes: []sdk.Attribute{namesAttribute(strings.Join(layout.Regions(), ", "))},
	}
}

func (*services) Schema() sdk.Schema {
	return sdk.Schema{
		Doc:        "A name that the lab's DNS server answers.",
		Attributes: []sdk.Attribute{namesAttribute(strings.Join(layout.Services(), ", "))},
	}
}

func (*links) Schema() sdk.Schema {
	return sdk.Schema{
		Doc:        "A link between regions. The lab has one.",
		Attributes: []sdk.Attribute{namesAttribute(layout.Link)},
	}
}

func (t *zones) Resolve(ctx context.Context, req sdk.Request) (sdk.Selection, []sdk.Problem, error) {
	return t.p.resolve(ctx, req, "lab_zone", layout.Zones(), func(lab labdir.Lab, st control.Status, zone string) map[string]string {
		return map[string]string{
			"region": layout.RegionOf(zone), "pid": fmt.Sprint(st.Procs[zone].PID), "state": st.Procs[zone].State,
			"shop": lab.Shop(zone), "instances": fmt.Sprint(countIn(st, zone)),
		}
	})
}

func countIn(st control.Status, zone string) int {
	n := 0
	for _, i := range st.Regions[layout.RegionOf(zone)].Instances {
		if i.Zone == zone {
			n++
		}
	}
	return n
}

func (t *regions) Resolve(ctx context.Context, req sdk.Request) (sdk.Selection, []sdk.Problem, error) {
	return t.p.resolve(ctx, req, "lab_region", layout.Regions(), func(lab labdir.Lab, st control.Status, region string) map[string]string {
		r := st.Regions[region]
		return map[string]string{
			"role": r.Role, "load_balancer": lab.LB(region), "instances": fmt.Sprint(r.Quota.Used), "quota": fmt.Sprint(r.Quota.Limit),
		}
	})
}

func (t *services) Resolve(ctx context.Context, req sdk.Request) (sdk.Selection, []sdk.Problem, error) {
	return t.p.resolve(ctx, req, "lab_service", layout.Services(), func(_ labdir.Lab, st control.Status, name string) map[string]string {
		return map[string]string{"address": st.DNS[name]}
	})
}

func (t *links) Resolve(ctx context.Context, req sdk.Request) (sdk.Selection, []sdk.Problem, error) {
	return t.p.resolve(ctx, req, "lab_link", []string{layout.Link}, func(lab labdir.Lab, _ control.Status, _ string) map[string]string {
		return map[string]string{"delay": lab.Settings.LinkDelay.String() + " one way"}
	})
}

// resolve picks from all there are. A name that does not exist is a mistake, not an empty selection.
func (p *provider) resolve(
	ctx context.Context, req sdk.Request, kind string, all []string,
	attrs func(labdir.Lab, control.Status, string) map[string]string,
) (sdk.Selection, []sdk.Problem, error) {
	var sel selectors
	if err := req.Decode(&sel); err != nil {
		return sdk.Selection{}, nil, err
	}
	w, err := p.open(ctx)
	if errors.Is(err, labdir.ErrNoLab) {
		return sdk.Selection{}, []sdk.Problem{p.noLab()}, nil
	}
	if err != nil {
		return sdk.Selection{}, nil, err
	}
	defer w.Close()
	st, err := w.Status(ctx)
	if err != nil {
		return sdk.Selection{}, nil, fmt.Errorf("reading the lab: %w", err)
	}
	out := sdk.Selection{Population: len(all)}
	for _, name := range all {
		if len(sel.Names) > 0 && !slices.Contains(sel.Names, name) || sel.Region != "" && layout.RegionOf(name) != sel.Region {
			continue
		}
		out.Targets = append(out.Targets, sdk.Target{
			Type: kind, ID: w.lab.ID + "/" + name, Name: name, Attrs: attrs(w.lab, st, name),
		})
	}
	return out, unknownNames(sel.Names, all), nil
}

func unknownNames(wanted, all []string) []sdk.Problem {
	var out []sdk.Problem
	for i, name := range wanted {
		if !slices.Contains(all, name) {
			out = append(out, sdk.Problem{
				Severity: sdk.Error, Path: []string{"names", fmt.Sprint(i)},
				Summary: fmt.Sprintf("The lab has no %q", name), Detail: "it has " + strings.Join(all, ", "),
			})
		}
	}
	return out
}
