package fis

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gameday-toolkit/gameday/internal/replay/safehcl"
)

// alarm is one stop condition that is an alarm of CloudWatch.
type alarm struct {
	value
	name string
}

var alarmARN = regexp.MustCompile(`^arn:aws[a-z-]*:cloudwatch:[a-z0-9-]*:[0-9]*:alarm:(.+)$`)

func (w *writer) conditions() (out []value) {
	stops := w.root.get("stopConditions")
	for i, n := range stops.List() {
		out = append(out, value{n, fmt.Sprintf("%s[%d]", stops.path, i)})
	}
	return out
}

// stopped says whether the template has any stop condition, understood or not.
func (w *writer) stopped() bool {
	return slices.ContainsFunc(w.conditions(), func(v value) bool { return v.get("source").String() != "none" })
}

func alarmOf(v value) (alarm, bool) {
	m := alarmARN.FindStringSubmatch(strings.TrimSpace(v.get("value").String()))
	if m == nil || v.get("source").String() != "aws:cloudwatch:alarm" {
		return alarm{}, false
	}
	return alarm{v.get("value"), m[1]}, true
}

// alarms are the stop conditions that are alarms.
func (w *writer) alarms() (out []alarm) {
	for _, v := range w.conditions() {
		if a, is := alarmOf(v); is {
			out = append(out, a)
		}
	}
	return out
}

// stops makes of each alarm a probe, a guard that stops the run as FIS stops an experiment, and an objective: that it does
// not come to that is all that a template asks for.
func (w *writer) stops() {
	for _, a := range w.alarms() {
		name := w.names.Of(a.name, "alarm")
		w.Gap()
		w.Open("probe", []string{"aws_alarm", name}, a.cite())
		w.Expr("alarm", safehcl.Quote(a.name), a.cite())
		w.Text("insufficient_data", "good", "FIS stops for ALARM only")
		w.Expr("rate", "1", w.assume("an alarm is looked at every second"))
		w.Text("timeout", "5s", "assumed")
		w.Close()
		w.Gap()
		w.Open("slo", []string{name}, a.cite())
		w.Text("description", "the alarm "+a.name+" does not fire", "")
		w.Expr("probe", "probe.aws_alarm."+name, "")
		w.Expr("target", "100", "")
		w.Text("window", "5s", "")
		w.Close()
		w.Gap()
		w.Open("objective", []string{name}, a.cite()+": the experiment is to complete without it")
		w.Expr("slo", "slo."+name, "")
		w.Text("max_downtime", "0s", "")
		w.Close()
		w.Gap()
		w.Open("guard", []string{name}, a.cite()+": stops the run, and everything is put back")
		w.Expr("when", "probe.aws_alarm."+name+".error_ratio > 0", "")
		w.Close()
	}
	for _, v := range w.conditions() {
		if _, is := alarmOf(v); !is && v.get("source").String() != "none" {
			w.todo(v, "stop_condition", fmt.Sprintf("the stop condition %q %s", v.get("source").String(), v.get("value").String()), "Write a guard that stops the run for the same reason.")
		}
	}
}
