package reports

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/measure"
)

// What follows is the JUnit dialect that GitHub, GitLab, Jenkins and Azure all read.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Name    string       `xml:"name,attr"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string      `xml:"name,attr"`
		Tests      int         `xml:"tests,attr"`
		Failures   int         `xml:"failures,attr"`
		Errors     int         `xml:"errors,attr"`
		Skipped    int         `xml:"skipped,attr"`
		Time       string      `xml:"time,attr"`
		Timestamp  string      `xml:"timestamp,attr,omitempty"`
		Hostname   string      `xml:"hostname,attr,omitempty"`
		Properties []junitProp `xml:"properties>property"`
		Cases      []junitCase `xml:"testcase"`
	}
	junitProp struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Name    string       `xml:"name,attr"`
		Class   string       `xml:"classname,attr"`
		Time    string       `xml:"time,attr"`
		File    string       `xml:"file,attr,omitempty"`
		Line    int          `xml:"line,attr,omitempty"`
		Failure *junitReason `xml:"failure"`
		Error   *junitReason `xml:"error"`
		Skipped *junitReason `xml:"skipped"`
		Out     string       `xml:"system-out,omitempty"`
	}
	junitReason struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes one test case for each objective, each assumption, each reversion, and the run itself. Failed is a
// failure; inconclusive and leaked are errors, because something other than the service needs a look first.
func JUnit(w io.Writer, m *Model) error {
	s := m.plan().Scenario
	suite := junitSuite{Name: orElse(s.Name, m.Run.ID), Time: seconds(m.Run.Length), Hostname: m.Run.Host}
	if !m.Run.Started.IsZero() {
		suite.Timestamp = m.Run.Started.UTC().Format("2006-01-02T15:04:05")
	}
	suite.Properties = []junitProp{{"run", m.Run.ID}, {"plan_hash", m.Run.PlanHash}, {"journal_hash", m.Journal.Hash}, {"tool", m.Run.Tool}, {"exit", strconv.Itoa(m.result().Exit)}}
	suite.Cases = m.junitCases(suite.Name)
	for _, c := range suite.Cases {
		suite.Tests++
		switch {
		case c.Failure != nil:
			suite.Failures++
		case c.Error != nil:
			suite.Errors++
		case c.Skipped != nil:
			suite.Skipped++
		}
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("writing the report as JUnit: %w", err)
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(junitSuites{Name: "gameday", Suites: []junitSuite{suite}}); err != nil {
		return fmt.Errorf("writing the report as JUnit: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (m *Model) junitCases(suite string) []junitCase {
	r := m.result()
	cases := []junitCase{m.junitRun(suite)}
	for _, o := range r.Objectives {
		c := junitCase{Name: o.Addr, Class: suite + ".objectives", Time: seconds(0), File: m.fileOf(o.Pos), Line: o.Pos.Line, Out: strings.TrimSpace("measured " + o.Value + ", limit " + o.Limit)}
		if o.Time != nil && !o.Time.Censored {
			c.Time = seconds(o.Time.Hi)
		}
		c.judge(o.Verdict, o.Why, o.Entries)
		cases = append(cases, c)
	}
	for _, a := range r.Assumption {
		c := junitCase{Name: a.Name, Class: suite + ".assumptions", Time: seconds(0)}
		if !a.OK {
			c.judge(measure.Inconclusive, a.Detail, a.Entries)
		}
		cases = append(cases, c)
	}
	for _, f := range r.Faults {
		cases = append(cases, m.junitReversion(suite, f))
	}
	return cases
}

// junitRun stands for the run as a whole, so that an aborted run without a missed objective is not green.
func (m *Model) junitRun(suite string) junitCase {
	r := m.result()
	c := junitCase{Name: m.title(), Class: suite + ".run", Time: seconds(m.Run.Length)}
	v := r.Verdict
	if r.Exit == 4 || r.Exit == 2 {
		v = max(v, measure.Inconclusive)
	}
	if r.Exit == 5 {
		v = measure.Leaked
	}
	if v != measure.Fail { // the objectives that failed say so themselves
		c.judge(v, m.headline().Word+": "+m.why(), nil)
	}
	return c
}

func (m *Model) junitReversion(suite string, f measure.FaultResult) junitCase {
	c := junitCase{Name: "reversion of " + f.Addr, Class: suite + ".faults", Time: seconds(0)}
	if f.Reverted != nil && !f.Reverted.Censored {
		c.Time = seconds(f.Reverted.Hi - f.Reverted.Lo)
	}
	switch f.State {
	case "stuck", "outstanding":
		c.judge(measure.Leaked, strings.TrimSpace("not proven gone. "+f.Err), f.Entries)
		c.Error.Text += "\nBy hand:\n" + strings.Join(f.Steps, "\n")
	case "planned", "skipped":
		c.judge(measure.Skip, orElse(f.Reason, "never injected"), nil)
	}
	return c
}

func (c *junitCase) judge(v measure.Verdict, why string, entries []uint64) {
	reason := &junitReason{Message: why, Type: v.String(), Text: why}
	if len(entries) > 0 {
		reason.Text += "\n" + entriesInWords(entries)
	}
	switch v {
	case measure.Fail:
		c.Failure = reason
	case measure.Inconclusive, measure.Leaked:
		c.Error = reason
	case measure.Skip:
		c.Skipped = &junitReason{Message: why}
	}
}

// entriesInWords names the journal entries that prove something.
func entriesInWords(entries []uint64) string {
	var b strings.Builder
	for i, e := range entries {
		if i == maxRefs {
			fmt.Fprintf(&b, " and %d more", len(entries)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.FormatUint(e, 10))
	}
	if len(entries) == 1 {
		return "journal entry " + b.String()
	}
	return "journal entries " + b.String()
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }
