package view

import (
	"fmt"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/journal"
	"github.com/gameday-toolkit/gameday/internal/plan"
)

// level says how much a line matters.
type level int

const (
	quiet level = iota // only for those who want every detail
	normal
	good
	warn
	bad
)

func (l level) colour() string { return [...]string{dim, "", green, yellow, red}[l] }

// describe tells what an entry says in one line, for people. Not every entry is worth one.
func describe(kind journal.Kind, body any) (text string, l level) {
	switch b := body.(type) {
	case journal.Started:
		return fmt.Sprintf("run %s begins, seed %d, plan %.12s", b.Run, b.Seed, b.PlanHash), normal
	case *plan.Plan:
		return fmt.Sprintf("scenario %s in environment %s", b.Scenario.Name, b.Scenario.Environment), normal
	case journal.PhaseBody:
		return "phase " + phases[b.Name], normal
	case journal.CheckBody:
		return check(b)
	case journal.ProbeBody:
		return fmt.Sprintf("%s asks %g times a second", b.Addr, b.Schedule.Rate), quiet
	case journal.DetailBody:
		return fmt.Sprintf("%s: first answer that was bad in this way: %s: %s", b.Addr, b.Class, b.Detail), warn
	case journal.HandleBody:
		return b.Addr + ": its undo is on disk", quiet
	case journal.StepBody:
		return stepText(kind, b)
	case journal.ReadBackBody:
		if b.Err != "" {
			return fmt.Sprintf("%s could not be read back (%s): %s", b.Addr, b.Stage, b.Err), bad
		}
		return fmt.Sprintf("%s has been read back (%s)", b.Addr, b.Stage), normal
	case journal.AlertBody:
		return alertText(b)
	case journal.PointBody:
		if b.Err != "" {
			return fmt.Sprintf("%s cannot be read: %s", b.Addr, b.Err), bad
		}
		return b.Addr + " can be read again", normal
	case journal.EventBody:
		return fmt.Sprintf("%s noticed: %s", b.Event.Source, about(b.Event.Subject, b.Event.Summary)), normal
	case journal.GuardBody:
		return fmt.Sprintf("%s tripped: %s", b.Addr, b.Expr), bad
	case journal.AbortBody:
		return strings.TrimSuffix(fmt.Sprintf("ABORT by %s: %s", b.By, firstLine(b.Reason)), ": ") + ". Everything is put back now", bad
	case journal.ClockBody:
		return fmt.Sprintf("the clock of this machine was set by %s; what is measured here is not affected", b.Step), warn
	case journal.TroubleBody:
		return strings.TrimPrefix(b.Addr+": ", ": ") + firstLine(b.What), bad
	case journal.EndedBody:
		return ended(b)
	case journal.NoteBody:
		return "note: " + b.Text, normal
	}
	return "", quiet
}

var phases = map[journal.PhaseName]string{
	journal.Preflight: "preflight: is everything there that the run relies on?",
	journal.Baseline:  "baseline: the steady state must hold",
	journal.Observe:   "inject: faults and actions as planned",
	journal.Reverting: "revert: everything is put back",
	journal.Recovery:  "recovery: the steady state must hold again",
	journal.Reporting: "report",
}

func check(b journal.CheckBody) (string, level) {
	name := strings.TrimPrefix(b.Addr+": ", ": ") + b.Name
	switch {
	case !b.OK:
		return fmt.Sprintf("%s: NO: %s", name, b.Detail), bad
	case b.Detail != "":
		return fmt.Sprintf("%s: yes: %s", name, b.Detail), quiet
	}
	return name + ": yes", quiet
}

func alertText(b journal.AlertBody) (string, level) {
	switch {
	case b.Err != "":
		return fmt.Sprintf("%s cannot be read: %s", b.Addr, b.Err), bad
	case b.Firing:
		return fmt.Sprintf("%s fires: %s", b.Addr, b.Summary), warn
	}
	return strings.TrimSuffix(fmt.Sprintf("%s is quiet: %s", b.Addr, b.Summary), ": "), quiet
}

func ended(b journal.EndedBody) (string, level) {
	if len(b.Outstanding) > 0 {
		return "NOT PROVEN TO BE BACK: " + strings.Join(b.Outstanding, ", "), bad
	}
	return "the run is over; everything is as it was", good
}

func stepText(kind journal.Kind, b journal.StepBody) (string, level) {
	switch kind {
	case journal.FaultInjecting:
		return b.Addr + " is being injected", normal
	case journal.FaultInjected:
		if b.Err != "" {
			return fmt.Sprintf("%s: the injection failed: %s", b.Addr, b.Err), bad
		}
		return "", quiet
	case journal.FaultActive:
		return fmt.Sprintf("%s is active: %s", b.Addr, b.Evidence), warn
	case journal.FaultUnproven:
		return fmt.Sprintf("%s is not proven to be active: %s", b.Addr, b.Err), bad
	case journal.FaultSkipped:
		return fmt.Sprintf("%s is skipped: %s", b.Addr, b.Reason), normal
	case journal.FaultReverting:
		return fmt.Sprintf("%s is being reverted: %s", b.Addr, revertReason(b.Reason)), normal
	case journal.FaultReverted:
		return fmt.Sprintf("%s is gone: %s", b.Addr, b.Evidence), good
	case journal.ActionStarted:
		return b.Addr + " starts", normal
	case journal.ActionEnded:
		return actionEnded(b)
	case journal.ActionUndoing:
		return fmt.Sprintf("%s is being undone: %s", b.Addr, revertReason(b.Reason)), normal
	case journal.ActionUndone:
		return fmt.Sprintf("%s is undone: %s", b.Addr, b.Evidence), good
	case journal.FaultStuck, journal.ActionStuck:
		return fmt.Sprintf("%s COULD NOT BE PUT BACK: %s. By hand: %s", b.Addr, b.Err, strings.Join(b.Steps, "; ")), bad
	}
	return "", quiet
}

// revertReason does not tell again, for each fault, why the run was aborted.
func revertReason(reason string) string {
	if strings.HasPrefix(reason, "aborted: ") {
		return "the run is aborted"
	}
	return firstLine(reason)
}

func actionEnded(b journal.StepBody) (string, level) {
	if b.Err != "" {
		return fmt.Sprintf("%s failed: %s", b.Addr, b.Err), bad
	}
	text := b.Addr + " is done"
	if b.By != "" {
		text += " by " + b.By
	}
	return strings.TrimSuffix(text+": "+firstLine(b.Evidence), ": "), normal
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

// stamp is the time of an entry: of the wall, and since the run began.
func stamp(start time.Time, at time.Duration) string {
	return fmt.Sprintf("%s %8s", start.Add(at).Local().Format("15:04:05"), "+"+seconds(at))
}

// about puts the subject before a summary that does not begin with it.
func about(subject, summary string) string {
	if subject == "" || strings.HasPrefix(summary, subject) {
		return summary
	}
	return subject + ": " + summary
}
