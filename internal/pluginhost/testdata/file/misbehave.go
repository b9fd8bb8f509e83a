package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// misbehaviour names the environment variable with which the tests of pluginhost make this plugin misbehave:
// crash:CALL, panic:CALL, noisy, child, protocol, garbage, hang. It is no part of the example.
const misbehaviour = "GAMEDAY_TEST_MISBEHAVE"

func misbehave(p *sdk.Plugin) *sdk.Plugin {
	how, call, _ := strings.Cut(os.Getenv(misbehaviour), ":")
	if how == "" {
		return p
	}
	t := trouble{how: how, call: call}
	t.at("start")
	t.beforeServing()
	p.Configure = func(context.Context, sdk.Settings) (map[string]any, []sdk.Problem, error) {
		t.at("configure")
		if t.how == "child" { // a process that outlives the plugin and holds on to its output
			cmd := exec.Command("sleep", "3")
			cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
			return nil, nil, cmd.Start()
		}
		return nil, nil, nil
	}
	p.Observe = func(ctx context.Context, _ func(sdk.Event)) error {
		t.at("events")
		<-ctx.Done()
		return nil
	}
	p.Sweep = func(context.Context) ([]sdk.Handle, error) {
		t.at("sweep")
		return nil, nil
	}
	p.Targets = map[string]sdk.TargetType{"file_path": badPaths{TargetType: p.Targets["file_path"], t: t}}
	p.Faults = map[string]sdk.Fault{"file_missing": badMissing{Fault: p.Faults["file_missing"], t: t}}
	p.Actions = map[string]sdk.Action{"file_action": badAction{t: t}}
	p.Probers = map[string]sdk.Prober{"file_prober": badProber{t: t}}
	return p
}

type trouble struct{ how, call string }

func (t trouble) at(call string) {
	if t.call != call {
		return
	}
	fmt.Fprintf(os.Stderr, "about to %s at %s\n", t.how, call)
	if t.how == "panic" {
		panic("the author did not think of this")
	}
	dead := make(chan struct{})
	go func() { // not in the call's goroutine, so that the SDK cannot catch it
		defer close(dead)
		panic("crash at " + call)
	}()
	<-dead
}

func (t trouble) beforeServing() {
	switch t.how {
	case "garbage":
		fmt.Println("Hello, I am some other program.")
		os.Exit(0)
	case "hang":
		fmt.Fprintln(os.Stderr, "hanging")
		time.Sleep(time.Hour)
	case "protocol":
		plugin.Serve(&plugin.ServeConfig{
			HandshakeConfig: plugin.HandshakeConfig{
				ProtocolVersion: 99, MagicCookieKey: sdk.CookieKey, MagicCookieValue: sdk.CookieValue,
			},
			Plugins:    plugin.PluginSet{},
			GRPCServer: plugin.DefaultGRPCServer,
			Logger:     hclog.NewNullLogger(),
		})
		os.Exit(0)
	}
}

type badPaths struct {
	sdk.TargetType
	t trouble
}

func (b badPaths) Schema() sdk.Schema {
	b.t.at("describe")
	return b.TargetType.Schema()
}

func (b badPaths) Resolve(ctx context.Context, req sdk.Request) (sdk.Selection, []sdk.Problem, error) {
	b.t.at("resolve")
	return b.TargetType.Resolve(ctx, req)
}

type badMissing struct {
	sdk.Fault
	t trouble
}

func (b badMissing) Prepare(ctx context.Context, req sdk.Request) (sdk.Handle, []sdk.Problem, error) {
	b.t.at("prepare")
	return b.Fault.Prepare(ctx, req)
}

func (b badMissing) Inject(ctx context.Context, h sdk.Handle) error {
	b.t.at("inject")
	return b.Fault.Inject(ctx, h)
}

func (b badMissing) Inspect(ctx context.Context, h sdk.Handle) (sdk.State, error) {
	b.t.at("inspect")
	return b.Fault.Inspect(ctx, h)
}

func (b badMissing) Revert(ctx context.Context, h sdk.Handle) error {
	b.t.at("revert")
	for i := 0; b.t.how == "noisy" && i < 100_000; i++ { // several megabytes, far more than any pipe holds
		fmt.Fprintf(os.Stderr, "line %d about the revert of %s\n", i, h.ID)
		fmt.Fprintf(os.Stdout, "line %d about the revert of %s\n", i, h.ID)
	}
	return b.Fault.Revert(ctx, h)
}

type badAction struct{ t trouble }

func (badAction) Schema() sdk.Schema { return sdk.Schema{} }

func (b badAction) Check(context.Context, sdk.Request) ([]sdk.Problem, error) {
	b.t.at("check")
	return nil, nil
}

func (b badAction) Run(context.Context, sdk.Request) (string, error) {
	b.t.at("run")
	return "done", nil
}

type badProber struct{ t trouble }

func (badProber) Schema() sdk.Schema { return sdk.Schema{} }

func (b badProber) Probe(context.Context, sdk.Request) (sdk.Observation, error) {
	b.t.at("probe")
	return sdk.Observation{Good: true}, nil
}
