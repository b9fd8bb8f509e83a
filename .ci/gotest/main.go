// Command gotest is go test that says at its end which tests were skipped, and why.
//
//	go run ./.ci/gotest ./...
//
// It prints what go test prints, and ends as it ends. With GAMEDAY_REQUIRE=1, a test that was skipped for want of something is a
// failure; one that is not is skipped for a reason that says so: another target runs it, or it is about another kernel or user.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

// event is a line of go test -json: see go doc test2json.
type event struct {
	Action, Package, ImportPath, Test, Output string
}

// byDesign are the reasons for which a test is skipped although nothing is missing.
var byDesign = regexp.MustCompile(`make (crash-test|integration|test-aws|test-kubernetes)([^-]|$)|real time|TestWithoutRoot|this kernel has`)

// tests is what is known so far.
type tests struct {
	said    map[string]*strings.Builder // by package and test, and by package alone
	skipped []string
	missing int
}

func main() {
	cmd := exec.Command(cmp.Or(os.Getenv("GO"), "go"), append([]string{"test", "-json"}, os.Args[1:]...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	t := &tests{said: map[string]*strings.Builder{}}
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadBytes('\n')
		var e event
		if json.Unmarshal(line, &e) == nil {
			t.take(e)
		} else {
			fmt.Print(string(line))
		}
		if err != nil {
			break
		}
	}
	err = cmd.Wait()
	t.summary()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		os.Exit(max(1, exit.ExitCode()))
	case err != nil, t.missing > 0 && os.Getenv("GAMEDAY_REQUIRE") == "1":
		os.Exit(1)
	}
}

// take keeps what a test says until it is known how the test ended: only what failed is printed.
func (t *tests) take(e event) {
	key := e.Package + "\x00" + e.Test
	switch e.Action {
	case "build-output":
		fmt.Print(e.Output)
	case "output":
		if t.said[key] == nil {
			t.said[key] = &strings.Builder{}
		}
		t.said[key].WriteString(e.Output)
	case "fail":
		fmt.Print(t.text(key))
	case "skip":
		t.skip(e, t.text(key))
	case "pass":
		if e.Test == "" {
			fmt.Print(last(t.text(key)))
		}
	}
	if slices.Contains([]string{"fail", "skip", "pass"}, e.Action) {
		delete(t.said, key)
	}
}

// text is what a test or a package said, without the notes that only go test -v prints.
func (t *tests) text(key string) string {
	b := t.said[key]
	if b == nil {
		return ""
	}
	var out strings.Builder
	for line := range strings.Lines(b.String()) {
		if !strings.HasPrefix(line, "=== ") {
			out.WriteString(line)
		}
	}
	return out.String()
}

func (t *tests) skip(e event, said string) {
	if e.Test == "" { // a package without tests
		fmt.Print(said)
		return
	}
	var reason []string
	for line := range strings.Lines(said) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "--- SKIP") {
			reason = append(reason, line)
		}
	}
	why := strings.Join(reason, " ")
	mark := ""
	if !byDesign.MatchString(why) {
		t.missing++
		mark = "! "
	}
	t.skipped = append(t.skipped, fmt.Sprintf("%s%s %s: %s", mark, e.Package[strings.LastIndexByte(e.Package, '/')+1:], e.Test, why))
}

// summary lists what was skipped; what something was missing for is marked.
func (t *tests) summary() {
	if len(t.skipped) == 0 {
		return
	}
	fmt.Printf("\n%d tests were skipped, %d of them for want of something (!):\n", len(t.skipped), t.missing)
	for _, s := range t.skipped {
		fmt.Println("  " + s)
	}
	if t.missing > 0 && os.Getenv("GAMEDAY_REQUIRE") == "1" {
		fmt.Println("With GAMEDAY_REQUIRE=1 that is a failure: install what is missing.")
	}
}

func last(text string) string {
	lines := strings.SplitAfter(strings.TrimRight(text, "\n")+"\n", "\n")
	return lines[max(0, len(lines)-2)]
}
