package pluginhost

import (
	"context"
	"fmt"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Pid is the plugin's process.
func (p *Plugin) Pid() int { return p.proc.pid() }

// Exited is closed when the plugin's process is gone, for whatever reason.
func (p *Plugin) Exited() <-chan struct{} { return p.proc.exited }

// Stop asks the plugin to end, which first reverts whatever it still holds, and kills its process when ctx ends
// before that. Either way the process is gone when it returns. It is an error if faults may be left in place. Stopping a plugin that is gone already is no error.
func (p *Plugin) Stop(ctx context.Context) error {
	p.once.Do(func() { p.stop = p.shutdown(ctx) })
	return p.stop
}

func (p *Plugin) shutdown(ctx context.Context) error {
	defer p.host.remove(p)
	p.cancel()
	p.jobs.Wait()
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		// The answer is an error even if all is well: the plugin closes the connection while it answers.
		_ = p.conn.Close()
	}()
	var err error
	select {
	case <-p.proc.exited:
	case <-ctx.Done():
		err = fmt.Errorf("plugin %s did not stop in time (%w) and was killed, pid %d%s",
			p.Alias, context.Cause(ctx), p.Pid(), p.tail.last())
	}
	p.kill()
	<-asked
	if p.exitCode() == sdk.ExitFaultsLeft {
		err = fmt.Errorf("plugin %s was stopped and could not prove that its faults are gone%s%s", p.Alias, p.recordHint(), p.tail.last())
	}
	return err
}

// kill ends the process, if it is still there, and waits for go-plugin's goroutines.
func (p *Plugin) kill() {
	_ = p.proc.Kill(context.Background()) // it cannot fail for a process of ours that lives
	if p.proc.pid() != 0 {
		<-p.proc.exited
	}
	if p.wire != nil {
		p.wire.Kill() // finds the process gone, and tidies up
		p.host.sockets.give()
	}
}
