package cli

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/internal/archive"
	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
	"github.com/gameday-toolkit/gameday/reports"
)

// report says what came of it: on the terminal, to GitHub, and in files. The files are written even if one fails.
func (g *gate) report() error {
	g.table()
	if err := os.MkdirAll(g.flags.out, 0o755); err != nil {
		return fmt.Errorf("making the directory of the reports: %w", err)
	}
	page := g.markdown()
	var errs []error
	for _, f := range []struct {
		name string
		make func() ([]byte, error)
	}{
		{"gate.json", g.json}, {"junit.xml", g.junit}, {"gate.sarif", g.sarif}, {"gate.md", func() ([]byte, error) { return page, nil }},
	} {
		b, err := f.make()
		if err == nil {
			err = replaceFile(filepath.Join(g.flags.out, f.name), b)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("writing %s: %w", f.name, err))
		}
	}
	errs = append(errs, g.tellAllToGitHub(page))
	fmt.Fprintf(g.out, "\nReports: %s\n", relative(g.flags.out))
	return errors.Join(errs...)
}

// tellAllToGitHub adds the table, and then each run, to the summary of the step.
func (g *gate) tellAllToGitHub(page []byte) error {
	if path := os.Getenv("GITHUB_STEP_SUMMARY"); path != "" {
		if err := appendTo(path, page); err != nil {
			return fmt.Errorf("adding to the summary of the step: %w", err)
		}
	}
	return g.tellGitHub(g.judged()...)
}

// judged are the last attempts of all.
func (g *gate) judged() (out []*wiring.Judged) {
	for _, it := range g.items {
		if len(it.attempts) > 0 && it.last().judged != nil {
			out = append(out, it.last().judged)
		}
	}
	return out
}

// table ends what is printed.
func (g *gate) table() {
	code := g.code()
	fmt.Fprintf(g.out, "\n%s  %s in %s\n", g.paint(codeColour(code)+";"+bold, codeWord(code)), plural(len(g.items), "scenario"), round(time.Since(g.start)))
	for _, it := range g.items {
		fmt.Fprintf(g.out, "  %s  %s: %s\n", g.paint(codeColour(it.Code), fmt.Sprintf("%-12s", it.word())), it.Name, it.Why)
		for _, line := range it.compared() {
			fmt.Fprintf(g.out, "                %s\n", line)
		}
		if len(it.attempts) > 0 {
			fmt.Fprintf(g.out, "                %s\n", g.paint(dim, relative(it.last().place())))
		}
	}
}

// word is what came of a scenario.
func (it *gateItem) word() string {
	if it.Flaky {
		return "FLAKY"
	}
	if len(it.attempts) == 0 {
		return "NOT RUN"
	}
	return codeWord(it.Code)
}

// compared says what the comparison found besides what is said already.
func (it *gateItem) compared() (out []string) {
	if it.nothing != "" && it.nothing != it.Why {
		out = append(out, it.nothing)
	}
	for _, c := range it.changes {
		if c.Is == archive.Worse && !c.New.IsObjective() {
			out = append(out, "worse, and no objective: "+c.String())
		}
		if c.Is == archive.Better {
			out = append(out, "better: "+c.String())
		}
		if c.Is == archive.Gone && c.Old.IsObjective() {
			out = append(out, "not compared: "+c.String())
		}
	}
	return out
}

// place is the run's directory, or what was printed where there is none.
func (at *attempt) place() string {
	if at.judged != nil {
		return at.judged.Dir.Path
	}
	return at.output
}

// markdown is the page for the summary of a CI job.
func (g *gate) markdown() []byte {
	var b bytes.Buffer
	code := g.code()
	fmt.Fprintf(&b, "## gameday gate: %s\n\n| scenario | result | why | attempts | took |\n| --- | --- | --- | --- | --- |\n", codeWord(code))
	for _, it := range g.items {
		took := time.Duration(0)
		for _, at := range it.attempts {
			took += at.took
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %d | %s |\n", tableCell(it.Name), it.word(), tableCell(it.Why), len(it.attempts), round(took))
	}
	for _, it := range g.items {
		if it.baseline == nil {
			continue
		}
		fmt.Fprintf(&b, "\n%s against the run `%s`:\n\n| figure | of | before | now | |\n| --- | --- | --- | --- | --- |\n", tableCell(it.Name), it.baseline.ID)
		for _, c := range it.changes {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", c.Kind, tableCell(c.Name), valueOf(c.Old), valueOf(c.New), c.Is)
		}
	}
	b.WriteString("\n")
	return b.Bytes()
}

func valueOf(f *archive.Figure) string {
	if f == nil {
		return "-"
	}
	return f.Value
}

// tableCell keeps a text in its cell and from being markup.
func tableCell(s string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", ">", "&gt;", "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "@", "@\u200b").Replace(strings.Join(strings.Fields(s), " "))
}

// gateJSON is what gate.json holds.
type gateJSON struct {
	Exit      int            `json:"exit"`
	Result    string         `json:"result"`
	Against   string         `json:"against,omitempty"`
	Scenarios []gateJSONItem `json:"scenarios"`
}

type gateJSONItem struct {
	Scenario    string           `json:"scenario"`
	Path        string           `json:"path"`
	Environment string           `json:"environment,omitempty"`
	Exit        int              `json:"exit"`
	Result      string           `json:"result"`
	Flaky       bool             `json:"flaky,omitempty"`
	Why         string           `json:"why"`
	Baseline    string           `json:"baseline,omitempty"`
	Changes     []archive.Change `json:"changes,omitempty"`
	Regressions int              `json:"regressions"`
	Attempts    []gateJSONTry    `json:"attempts"`
}

type gateJSONTry struct {
	Exit    int     `json:"exit"`
	Seconds float64 `json:"seconds"`
	Run     string  `json:"run,omitempty"`
	Dir     string  `json:"dir,omitempty"`
	Output  string  `json:"output,omitempty"`
}

func (g *gate) json() ([]byte, error) {
	out := gateJSON{Exit: g.code(), Result: codeWord(g.code()), Against: g.flags.against, Scenarios: []gateJSONItem{}}
	for _, it := range g.items {
		one := gateJSONItem{Scenario: it.Name, Path: it.Path, Environment: it.Environment, Exit: it.Code, Result: it.word(), Flaky: it.Flaky, Why: it.Why,
			Changes: it.changes, Regressions: len(it.regressions), Attempts: []gateJSONTry{}}
		if it.baseline != nil {
			one.Baseline = it.baseline.ID
		}
		for _, at := range it.attempts {
			try := gateJSONTry{Exit: at.code, Seconds: at.took.Seconds(), Output: at.output}
			if at.judged != nil {
				try.Run, try.Dir = at.rec.ID, at.judged.Dir.Path
			}
			one.Attempts = append(one.Attempts, try)
		}
		out.Scenarios = append(out.Scenarios, one)
	}
	var b bytes.Buffer
	err := printJSON(&b, out)
	return b.Bytes(), err
}

// What follows copies the suites of the runs as they are, behind one of the gate's own.
type (
	suites struct {
		XMLName xml.Name `xml:"testsuites"`
		Name    string   `xml:"name,attr"`
		Gate    *suite   `xml:"testsuite,omitempty"`
		Runs    []copied
	}
	copied struct {
		XMLName xml.Name
		Attrs   []xml.Attr `xml:",any,attr"`
		Inner   string     `xml:",innerxml"`
	}
	suite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Time     string      `xml:"time,attr"`
		Cases    []suiteCase `xml:"testcase"`
	}
	suiteCase struct {
		Name    string       `xml:"name,attr"`
		Class   string       `xml:"classname,attr"`
		Time    string       `xml:"time,attr"`
		Failure *suiteReason `xml:"failure"`
		Error   *suiteReason `xml:"error"`
	}
	suiteReason struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
	}
)

func (g *gate) junit() ([]byte, error) {
	all := suites{Name: "gameday gate", Gate: &suite{Name: "gate", Time: inSeconds(time.Since(g.start))}}
	for _, it := range g.items {
		all.Gate.add(it)
		if len(it.attempts) == 0 || it.last().judged == nil {
			continue
		}
		var made struct {
			Suites []copied `xml:"testsuite"`
		}
		var b bytes.Buffer
		err := reports.JUnit(&b, it.last().judged.Model())
		if err == nil {
			err = xml.Unmarshal(b.Bytes(), &made)
		}
		if err != nil {
			return nil, err
		}
		all.Runs = append(all.Runs, made.Suites...)
	}
	b, err := xml.MarshalIndent(all, "", "  ")
	return append([]byte(xml.Header), append(b, '\n')...), err
}

func (s *suite) add(it *gateItem) {
	c := suiteCase{Name: it.Name, Class: "gameday.gate", Time: inSeconds(0)}
	if len(it.attempts) > 0 {
		c.Time = inSeconds(it.last().took)
	}
	reason := &suiteReason{Message: it.Why, Type: strings.ToLower(it.word())}
	s.Tests++
	switch it.Code {
	case ExitOK:
	case ExitFailed:
		c.Failure = reason
		s.Failures++
	default:
		c.Error = reason
		s.Errors++
	}
	s.Cases = append(s.Cases, c)
}

func inSeconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }

// sarifFile is a SARIF file as far as the gate looks into one.
type sarifFile struct {
	Schema  string            `json:"$schema"`
	Version string            `json:"version"`
	Runs    []json.RawMessage `json:"runs"`
}

// sarif puts the findings of all runs into one file. Each run has a category of its own in it.
func (g *gate) sarif() ([]byte, error) {
	out := sarifFile{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []json.RawMessage{}}
	for _, j := range g.judged() {
		var b bytes.Buffer
		var one sarifFile
		err := reports.SARIF(&b, j.Model())
		if err == nil {
			err = json.Unmarshal(b.Bytes(), &one)
		}
		if err != nil {
			return nil, err
		}
		out.Schema, out.Runs = one.Schema, append(out.Runs, one.Runs...)
	}
	b, err := json.MarshalIndent(out, "", " ")
	return append(b, '\n'), err
}
