package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/gameday-toolkit/gameday/internal/probe/client"
	"github.com/gameday-toolkit/gameday/internal/sample"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

const (
	maxOutput = 64 << 10               // as much of what a command prints is kept
	killGrace = 500 * time.Millisecond // for pipes that a child of the command still holds
)

type execConfig struct {
	Command []string          `json:"command"`
	Env     map[string]string `json:"env"`
	Dir     string            `json:"dir"`
	Expect  struct {
		ExitCodes   []int  `json:"exit_codes"`
		StdoutRegex string `json:"stdout_regex"`
	} `json:"expect"`
}

type execProber struct {
	command   []string
	env       []string
	dir       string
	exitCodes []int
	stdout    *regexp.Regexp
}

func newExec(cfg json.RawMessage, _ Env) (Prober, error) {
	var c execConfig
	if err := json.Unmarshal(cfg, &c); err != nil {
		return nil, fmt.Errorf("reading the exec probe: %w", err)
	}
	if len(c.Command) == 0 || c.Command[0] == "" {
		return nil, errors.New("command must name a program")
	}
	p := &execProber{command: c.Command, dir: c.Dir, exitCodes: c.Expect.ExitCodes, env: os.Environ()}
	for name, value := range c.Env {
		p.env = append(p.env, name+"="+value)
	}
	if len(p.exitCodes) == 0 {
		p.exitCodes = []int{0}
	}
	if c.Expect.StdoutRegex != "" {
		regex, err := regexp.Compile(c.Expect.StdoutRegex)
		if err != nil {
			return nil, fmt.Errorf("reading expect.stdout_regex: %w", err)
		}
		p.stdout = regex
	}
	return p, nil
}

func (p *execProber) Close() error { return nil }

// Probe runs the command in a process group of its own, which is killed as a whole when time is out: what the command
// started must not go on after it.
func (p *execProber) Probe(ctx context.Context) Answer {
	var stdout bounded
	cmd := exec.CommandContext(ctx, p.command[0], p.command[1:]...)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.WaitDelay = p.env, p.dir, &stdout, killGrace
	// The kernel ends the command when gameday dies, for which it takes the thread that started it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) { // it has ended, and left something behind that holds its output
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return bad(sample.Timeout, "%s had not ended in time", p.command[0])
	case errors.As(err, &exit) && !exit.Exited():
		return bad(sample.Status, "%s", exit)
	case err != nil && exit == nil && !errors.Is(err, exec.ErrWaitDelay):
		return bad(startClass(err), "starting %s: %v", p.command[0], err)
	}
	if code := cmd.ProcessState.ExitCode(); !slices.Contains(p.exitCodes, code) {
		return bad(sample.Status, "exit status %d", code)
	}
	if p.stdout != nil && !p.stdout.Match(stdout.kept) {
		return bad(sample.Body, "standard output does not match %q (%d bytes)", p.stdout, len(stdout.kept))
	}
	return good()
}

// startClass tells a machine that can start nothing from a command that cannot be started.
func startClass(err error) sample.Class {
	if client.Classify(err) == sample.NoSlot || errors.Is(err, syscall.EAGAIN) {
		return sample.NoSlot
	}
	return sample.Other
}

// bounded keeps the start of what is written, and takes the rest without a word: a command must not fail for being
// talkative.
type bounded struct{ kept []byte }

func (b *bounded) Write(p []byte) (int, error) {
	b.kept = append(b.kept, p[:min(len(p), maxOutput-len(b.kept))]...)
	return len(p), nil
}

func execSchema() sdk.Schema {
	return sdk.Schema{
		Doc: "Runs a command. It inherits gameday's environment, and its process group is killed at the timeout.",
		Attributes: []sdk.Attribute{
			{Name: "command", Type: sdk.StringList, Required: true, Doc: "Program and arguments. No shell is involved"},
			{Name: "env", Type: sdk.StringMap, Sensitive: true, Doc: "Environment variables to add"},
			{Name: "dir", Type: sdk.String, Doc: "Working directory"},
		},
		Blocks: []sdk.Block{{Name: "expect", Max: 1, Schema: sdk.Schema{
			Doc: "What a good answer is.",
			Attributes: []sdk.Attribute{
				{Name: "exit_codes", Type: sdk.NumberList, Doc: "Good exit codes. Default: 0"},
				{Name: "stdout_regex", Type: sdk.String, Doc: "Regular expression (RE2) that the first 64 KiB of standard output match"},
				latencyAttribute(),
			},
		}}},
	}
}
