package fis

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gameday-toolkit/gameday/internal/replay/safehcl"
)

// write makes the file: what is written last is known first, so the faults come into a file of their own.
func (w *writer) write() {
	w.made.Title = safehcl.OneLine(w.root.get("description").String())
	w.made.Name = safehcl.Slug(w.made.Title, "experiment")
	faults := &writer{root: w.root, whole: w.whole, made: w.made, actions: w.actions, targets: w.targets}
	faults.steps()
	w.names = faults.names
	w.head()
	w.scenario()
	w.plugins(faults.used())
	w.stops()
	w.Gap()
	w.Verbatim(string(faults.Bytes()))
	w.others()
	w.made.Source = w.Bytes()
}

func (w *writer) head() {
	w.Comment("Made by gameday import fis. A comment at the end of a line names the place in the template that it came from.")
	w.Comment("What the template does not say is marked \"assumed\", and what is left to do stands in todo blocks, with which nothing runs.")
	if !w.stopped() {
		text := "the template has NO STOP CONDITION: nothing ends it when users suffer. Add a probe of what they do, an slo, and a guard."
		if at := w.root.get("stopConditions").cite(); at != "" {
			text = at + ": " + text
		}
		w.warn(text)
		w.Comment("WARNING: " + text)
	}
	if len(w.alarms()) == 0 { // each of them becomes an objective
		text := "it has no objective, so that no run of it proves anything: add a probe of what users do, an slo over it, and an objective."
		w.warn(text)
		w.Comment("WARNING: " + text)
	}
	w.Gap()
}

func (w *writer) scenario() {
	d := w.root.get("description")
	w.Open("scenario", []string{w.made.Name}, "")
	if d.String() != "" {
		w.Text("title", d.String(), d.cite())
	}
	w.Gap()
	w.Text("baseline", "1m", w.assume("the steady state is watched for a minute before, and for 10 minutes after at the most"))
	w.Text("recovery", "10m", "assumed")
	w.Close()
}

// steps writes the faults and their targets.
func (w *writer) steps() {
	if w.whole {
		w.wholeFault()
		return
	}
	for _, a := range w.inTime() {
		w.action(a)
	}
	for _, name := range w.root.get("targets").keys() {
		if _, used := w.targets[name]; !used {
			w.unsupported(w.root.get("targets", name), "no fault that was made needs this target")
		}
	}
	w.hintZone()
}

// inTime are the actions by when they begin: what another one refers to stands before it.
func (w *writer) inTime() []*action {
	out := slices.Clone(w.actions)
	depth := map[*action]int{}
	var deep func(*action) int
	deep = func(a *action) int {
		if _, known := depth[a]; !known && a.last != nil {
			depth[a] = deep(a.last) + 1
		}
		return depth[a]
	}
	slices.SortStableFunc(out, func(a, b *action) int { return deep(a) - deep(b) })
	return out
}

// wholeFault starts the template itself. FIS has the undo, and its stop conditions are in force as well.
func (w *writer) wholeFault() {
	id := w.root.get("id")
	length, note := w.total()+time.Minute, ""
	if length == time.Minute {
		length, note = 10*time.Minute, w.assume("the experiment is stopped after 10 minutes: its actions do not say how long they last")
	} else {
		note = w.assume("the experiment is stopped a minute after all its actions should have ended")
	}
	w.Comment("FIS carries out the whole template, and gameday watches it and stops it. What each action changes is undone by FIS, as far as it undoes it.")
	w.Open("fault", []string{"aws_fis_experiment", w.names.Of("experiment", "fault")}, "")
	w.Expr("template_id", safehcl.Quote(w.made.ID), id.cite())
	w.Text("hold", text(length), note)
	w.Close()
}

// hintZone says that there is a fault for all of it at once.
func (w *writer) hintZone() {
	counts := map[string]int{}
	for _, z := range w.zones {
		counts[z]++
	}
	for _, z := range slices.Sorted(maps.Keys(counts)) {
		if counts[z] >= 3 {
			w.Gap()
			w.Comment(fmt.Sprintf("%d of these faults are about the zone %s. The fault aws_zone_outage of a target aws_zone is all of that in one block.", counts[z], z))
		}
	}
}

// used says which plugins the faults and the alarms belong to.
func (w *writer) used() map[string]bool {
	out := map[string]bool{"aws": w.whole || len(w.alarms()) > 0}
	for _, t := range w.targets {
		if t.problem == "" {
			out[t.plugin] = true
		}
	}
	return out
}

// others names what changes nothing about what is done.
func (w *writer) others() {
	for _, o := range []struct{ key, text string }{
		{"roleArn", "gameday acts with the credentials of its plugins, and needs no role of FIS"},
		{"logConfiguration", "gameday writes a journal of its own"},
		{"experimentReportConfiguration", "gameday writes reports of its own"},
	} {
		if w.root.Has(o.key) && !w.whole {
			w.unsupported(w.root.get(o.key), o.text)
		}
	}
	if v := w.root.get("experimentOptions", "accountTargeting"); v.String() == "multi-account" {
		w.warn(v.cite() + ": the template acts in several accounts, and does not say in which: configure the plugin once for each, with an alias and assume_role.")
	}
	if len(w.made.Unsupported) > 0 {
		w.Gap()
		w.Comment("Of these nothing was made:")
		for _, u := range w.made.Unsupported {
			w.Comment("  " + u)
		}
	}
}
