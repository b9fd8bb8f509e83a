package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/control"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/labdir"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/layout"
)

const askTimeout = 10 * time.Second

// report is what `status -json` prints.
type report struct {
	Running bool            `json:"running"`
	Dir     string          `json:"dir"`
	Lab     *labdir.Lab     `json:"lab,omitempty"`
	Status  *control.Status `json:"status,omitempty"`
}

func (c cli) status(ctx context.Context, args []string) error {
	fs, dirFlag := c.flags("status")
	asJSON := fs.Bool("json", false, "print JSON")
	dir, err := c.parse(fs, dirFlag, args, 0)
	if err != nil {
		return err
	}
	if _, up := running(dir); !up {
		if *asJSON {
			return printJSON(c.out, report{Dir: string(dir)})
		}
		fmt.Fprintln(c.out, "No lab is running. Start one with: gameday lab up")
		return nil
	}
	client, lab, err := c.dial(dir)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	st, err := client.Status(ctx)
	if err != nil {
		return err
	}
	if *asJSON {
		return printJSON(c.out, report{Running: true, Dir: string(dir), Lab: &lab, Status: &st})
	}
	return printStatus(c.out, lab, st)
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func printStatus(out io.Writer, lab labdir.Lab, st control.Status) error {
	fmt.Fprintf(out, "lab %s, up for %s, %d MB in %d processes\n", st.ID, st.Uptime.Round(time.Second), st.RSS>>20, len(st.Procs))
	fmt.Fprintf(out, "shop     http://%s:%d -> %s (DNS at %s)\n", layout.Service, lab.Port(), st.DNS[layout.Service], lab.DNS())
	fmt.Fprintf(out, "link     %s one way\n", lab.Settings.LinkDelay)
	for _, region := range layout.Regions() {
		printRegion(out, region, lab, st)
	}
	if len(st.Faults) == 0 {
		fmt.Fprintln(out, "\nno faults")
		return nil
	}
	fmt.Fprintln(out)
	return printFaults(out, st.Faults)
}

func printRegion(out io.Writer, region string, lab labdir.Lab, st control.Status) {
	r := st.Regions[region]
	fmt.Fprintf(out, "\n%s     %s, http://%s, %d of %d instances; %s\n",
		region, r.Role, lab.LB(region), r.Quota.Used, r.Quota.Limit, storeLine(r.Store))
	byName := map[string]control.Backend{}
	for _, b := range r.Backends {
		byName[b.Name] = b
	}
	w := tabwriter.NewWriter(out, 2, 4, 2, ' ', 0)
	fmt.Fprintln(w, "  INSTANCE\tPROCESS\tPID\tMB\tLOAD BALANCER")
	for _, i := range r.Instances {
		p := st.Procs[i.Name]
		fmt.Fprintf(w, "  %s\t%s\t%d\t%d\t%s\n", i.Name, stateOf(i, p), p.PID, p.RSS>>20, backendLine(byName, i.Name))
	}
	_ = w.Flush()
}

func stateOf(i control.Instance, p control.ProcessStatus) string {
	if p.State == "" {
		return i.State
	}
	return p.State
}

func backendLine(byName map[string]control.Backend, name string) string {
	b, ok := byName[name]
	switch {
	case !ok:
		return "-"
	case b.Healthy:
		return "healthy"
	}
	return strings.TrimSpace("unhealthy " + b.Reason)
}

func storeLine(s control.StoreStatus) string {
	switch {
	case s.Err != "":
		return "store: " + s.Err
	case s.Mirror:
		return fmt.Sprintf("store: mirror of %d messages, %d behind, led by %s", s.Messages, s.Lag, s.Leader)
	}
	return fmt.Sprintf("store: %d messages, led by %s", s.Messages, s.Leader)
}

func printFaults(out io.Writer, faults []control.Record) error {
	w := tabwriter.NewWriter(out, 2, 4, 2, ' ', 0)
	fmt.Fprintln(w, "FAULT\tSTATE\tKIND\tTARGETS\tSINCE\tEXPIRES")
	for _, f := range faults {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", f.Key(), f.State, f.Fault, strings.Join(f.Targets, ","),
			f.Created.Format(time.TimeOnly), f.Expires.Format(time.TimeOnly))
	}
	return w.Flush()
}

func (c cli) faults(ctx context.Context, args []string) error {
	fs, dirFlag := c.flags("faults")
	asJSON := fs.Bool("json", false, "print JSON")
	dir, err := c.parse(fs, dirFlag, args, 0)
	if err != nil {
		return err
	}
	client, _, err := c.dial(dir)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	faults, err := client.Faults(ctx)
	switch {
	case err != nil:
		return err
	case *asJSON:
		return printJSON(c.out, faults)
	case len(faults) == 0:
		fmt.Fprintln(c.out, "no faults")
		return nil
	}
	return printFaults(c.out, faults)
}

// heal undoes one fault, named as `faults` lists it, or by its ID alone where that is not ambiguous; or all of them.
func (c cli) heal(ctx context.Context, args []string) error {
	fs, dirFlag := c.flags("heal")
	all := fs.Bool("all", false, "heal every fault")
	dir, err := c.parse(fs, dirFlag, args, 1)
	if err != nil {
		return err
	}
	if *all == (fs.NArg() == 1) {
		return c.misuse("heal: name one fault, or say -all")
	}
	client, _, err := c.dial(dir)
	if err != nil {
		return err
	}
	defer client.Close()
	faults, err := client.Faults(ctx)
	if err != nil {
		return err
	}
	slices.Reverse(faults) // newest first, as gameday itself does
	healed := map[string]bool{}
	for _, f := range faults {
		if !*all && fs.Arg(0) != f.Key() && fs.Arg(0) != f.ID {
			continue
		}
		if err := client.Heal(ctx, f.Run, f.ID); err != nil {
			return err
		}
		healed[f.Key()] = true
	}
	if len(healed) == 0 {
		fmt.Fprintln(c.out, "There is no such fault: nothing to heal.")
	}
	for _, key := range slices.Sorted(maps.Keys(healed)) {
		fmt.Fprintf(c.out, "Healed %s.\n", key)
	}
	return nil
}
