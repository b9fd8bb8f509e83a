package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// VersionError says that host and plugin speak different versions of the protocol.
type VersionError struct{ Plugin, Host int }

func (e *VersionError) Error() string {
	older, remedy := "plugin", "install a newer build of the plugin"
	if e.Plugin > e.Host {
		older, remedy = "gameday", "install a newer gameday, or an older build of the plugin"
	}
	return fmt.Sprintf("it speaks version %d of the plugin protocol, and this gameday speaks version %d; %s is the older one: %s",
		e.Plugin, e.Host, older, remedy)
}

// startError says why a plugin did not come up, in the words of whoever knows best: the context, the handshake, the
// exit code, the plugin itself.
func (p *Plugin) startError(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("%w%s", cause, p.tail.last())
	}
	line := p.proc.head.line()
	parts := strings.Split(line, "|")
	if len(parts) >= 4 {
		if v, convErr := strconv.Atoi(parts[1]); convErr == nil && v != sdk.ProtocolVersion {
			return &VersionError{Plugin: v, Host: sdk.ProtocolVersion}
		}
		return err // Describe failed, and has been explained
	}
	if p.proc.pid() == 0 {
		return err // it could not be started at all
	}
	if line != "" {
		return fmt.Errorf("it does not speak the plugin protocol: it began with %q%s", line, p.tail.last())
	}
	return fmt.Errorf("%s%s", p.ending(), p.tail.last())
}

// explain adds to the error of a call what became of the process.
func (p *Plugin) explain(err error) error {
	if !errors.Is(err, sdk.ErrGone) {
		return err
	}
	how := p.ending()
	switch p.exitCode() {
	case sdk.ExitLeaseExpired:
		return fmt.Errorf("%w: %w%s", err, sdk.ErrLeaseExpired, p.recordHint())
	case sdk.ExitFaultsLeft:
		return &diedError{p.Alias, "it could not prove that its faults are gone" + p.recordHint(), p.tail.lastWords(), err}
	case -1:
		if !p.hasExited() {
			return fmt.Errorf("%w: %s%s", err, how, p.tail.last())
		}
	}
	return &diedError{p.Alias, how, p.tail.lastWords(), err}
}

// diedError says that a plugin's process has ended. Which call found that out matters to nobody, and is only in the chain.
type diedError struct {
	plugin, how, lastWords string
	call                   error
}

func (e *diedError) Error() string {
	return fmt.Sprintf("plugin %s died (%s)%s", e.plugin, e.how, e.lastWords)
}

// Unwrap makes errors.Is see sdk.ErrGone.
func (e *diedError) Unwrap() error { return e.call }

// ending says how the process ended. A connection breaks a moment before its process can be waited for.
func (p *Plugin) ending() string {
	select {
	case <-p.proc.drained:
	case <-time.After(2 * lingering):
		return fmt.Sprintf("process %d is still there and does not answer", p.proc.pid())
	}
	if p.proc.err == nil {
		return "it exited"
	}
	var exit *exec.ExitError
	if errors.As(p.proc.err, &exit) {
		return exit.ProcessState.String()
	}
	return p.proc.err.Error()
}

func (p *Plugin) hasExited() bool {
	select {
	case <-p.proc.exited:
		return true
	default:
		return false
	}
}

// exitCode is the code of a process that has ended, and -1 before that or if a signal ended it.
func (p *Plugin) exitCode() int {
	select {
	case <-p.proc.exited:
		return p.proc.cmd.ProcessState.ExitCode()
	default:
		return -1
	}
}

func (p *Plugin) recordHint() string {
	if p.StateDir == "" {
		return ""
	}
	return "; what it did is in " + sdk.RecordPath(p.StateDir, p.Name)
}
