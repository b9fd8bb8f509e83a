package cli

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gameday-toolkit/gameday/internal/archive"
	"github.com/gameday-toolkit/gameday/internal/cli/wiring"
	"github.com/gameday-toolkit/gameday/internal/journal"
)

// Each attempt is a gameday of its own: `gameday run`, with all its promises. It has a process group of its own too, so that
// Ctrl-C reaches it once, through the gate, and so that it puts everything back when the gate is killed.

var notInName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// attempt runs a scenario once, in a directory of its own.
func (g *gate) attempt(it *gateItem, number int, kill kills) *attempt {
	at := &attempt{code: ExitUntouched}
	dir := filepath.Join(g.root, fmt.Sprintf("%s-%d", notInName.ReplaceAllString(it.Name, "-"), number))
	for n := 2; exists(dir); n++ { // two scenarios of one name
		dir = filepath.Join(g.root, fmt.Sprintf("%s-%d.%d", notInName.ReplaceAllString(it.Name, "-"), number, n))
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		at.said = err.Error()
		return at
	}
	at.output = filepath.Join(dir, "output.txt")
	began := time.Now()
	at.code, at.said = g.child(it, dir, at.output, kill)
	at.took = time.Since(began)
	g.read(at, dir)
	return at
}

func (g *gate) child(it *gateItem, dir, output string, kill kills) (code int, said string) {
	self, err := os.Executable()
	if err != nil {
		return ExitUntouched, err.Error()
	}
	out, err := os.Create(output)
	if err != nil {
		return ExitUntouched, err.Error()
	}
	cmd := exec.Command(self, g.childArgs(it, dir)...)
	cmd.Stdout, cmd.Stderr, cmd.Env = out, out, childEnv(os.Environ())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return ExitUntouched, errors.Join(err, out.Close()).Error()
	}
	ended, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		for _, k := range kill {
			select {
			case <-k:
			case <-ended:
				return
			}
			_ = cmd.Process.Signal(syscall.SIGINT) // it may just have ended
		}
	}()
	err = cmd.Wait()
	close(ended)
	<-watched
	closed := out.Close()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return exit.ExitCode(), lastError(output)
	case err != nil:
		return ExitBroken, fmt.Sprintf("gameday run ended by itself (%v): put back what it has left with: gameday recover", err)
	case closed != nil:
		return ExitInconclusive, closed.Error()
	}
	return ExitOK, ""
}

func (g *gate) childArgs(it *gateItem, dir string) []string {
	args := []string{"run", "--yes", "--quiet", "--no-color", "--runs", dir}
	if g.flags.label != "" {
		args = append(args, "--label", g.flags.label)
	}
	for _, o := range []struct {
		name   string
		values []string
	}{{"--var", g.flags.vars.vars}, {"--var-file", g.flags.vars.files}, {"--approval", g.flags.approvals}, {"--approved-by", g.flags.approvedBy}} {
		for _, v := range o.values {
			args = append(args, o.name, v)
		}
	}
	return append(args, "--", it.Path)
}

// childEnv leaves telling GitHub to the gate, which knows all runs.
func childEnv(env []string) []string {
	return slices.DeleteFunc(env, func(s string) bool {
		return strings.HasPrefix(s, "GITHUB_STEP_SUMMARY=") || strings.HasPrefix(s, "GITHUB_ACTIONS=")
	})
}

// lastError is the last error in what a run printed.
func lastError(path string) (said string) {
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	for _, line := range strings.Split(string(b), "\n") {
		if text, ok := strings.CutPrefix(line, "gameday: error: "); ok {
			said = text
		}
	}
	return said
}

// read judges what the run has left, from its journal.
func (g *gate) read(at *attempt, dir string) {
	runs, err := journal.ListRuns(dir)
	if err == nil && len(runs) > 0 {
		at.judged, err = wiring.Judge(runs[len(runs)-1])
	}
	if err != nil {
		at.said = strings.TrimSpace(at.said + "; " + err.Error())
	}
	if at.judged == nil && at.code == ExitOK {
		at.code, at.said = ExitInconclusive, strings.TrimSpace("it passed and left no run; "+at.said) // no data never passes
	}
	if at.judged != nil {
		at.rec = archive.Of(at.judged.Run, at.judged.Result, at.judged.Findings, at.judged.Dir.Path)
	}
}
