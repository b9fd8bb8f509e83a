package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"google.golang.org/grpc"

	"github.com/gameday-toolkit/gameday/plugins/sdk/proto"
)

// Client is a host's end of the wire. Its methods mirror those of Plugin, Fault, TargetType, Action, Prober, Ledger and Alert, with
// the block's type in front. Contexts travel: a cancelled or expired one ends the call in the plugin too. Every error
// is a *CallError.
//
// A call whose context ended may still be running in the plugin. The next call for the same handle waits for it, and
// Revert interrupts an Inject.
type Client struct {
	plugin  string
	calls   proto.PluginClient
	explain func(error) error
}

// NewClient makes calls to the plugin of that name over a connection with DialOptions.
func NewClient(plugin string, conn grpc.ClientConnInterface) *Client {
	return &Client{plugin: plugin, calls: proto.NewPluginClient(conn), explain: func(err error) error { return err }}
}

// Explain returns a client whose errors pass through fn, which may add what it knows of the process.
func (c *Client) Explain(fn func(error) error) *Client {
	return &Client{plugin: c.plugin, calls: c.calls, explain: fn}
}

// Describe returns the reference of everything that the plugin offers.
func (c *Client) Describe(ctx context.Context) (Info, error) {
	var info Info
	out, err := c.calls.Describe(ctx, &proto.DescribeRequest{})
	return info, c.answer("Describe", err, part{"info", out.GetInfo(), &info})
}

// Configure sets the session up; it is called once, and starts the lease where the settings have one.
func (c *Client) Configure(ctx context.Context, set Settings) (map[string]any, []Problem, error) {
	b, err := encode("settings", set)
	if err != nil {
		return nil, nil, c.fail("Configure", err)
	}
	var outputs map[string]any
	var problems []Problem
	out, err := c.calls.Configure(ctx, &proto.ConfigureRequest{Settings: b})
	err = c.answer("Configure", err, part{"outputs", out.GetOutputs(), &outputs}, part{"problems", out.GetProblems(), &problems})
	return outputs, problems, err
}

// Resolve lists what a target block matches.
func (c *Client) Resolve(ctx context.Context, target string, req Request) (Selection, []Problem, error) {
	call := "Resolve " + req.ID
	in, err := block(target, req)
	if err != nil {
		return Selection{}, nil, c.fail(call, err)
	}
	var sel Selection
	var problems []Problem
	out, err := c.calls.Resolve(ctx, in)
	err = c.answer(call, err, part{"selection", out.GetSelection(), &sel}, part{"problems", out.GetProblems(), &problems})
	return sel, problems, err
}

// Prepare captures what Revert will need. It changes nothing.
func (c *Client) Prepare(ctx context.Context, fault string, req Request) (Handle, []Problem, error) {
	call := "Prepare " + req.ID
	in, err := block(fault, req)
	if err != nil {
		return Handle{}, nil, c.fail(call, err)
	}
	var h Handle
	var problems []Problem
	out, err := c.calls.Prepare(ctx, in)
	err = c.answer(call, err, part{"handle", out.GetHandle(), &h}, part{"problems", out.GetProblems(), &problems})
	return h, problems, err
}

// Inject causes the failure. It needs a lease.
func (c *Client) Inject(ctx context.Context, h Handle) error {
	call := "Inject " + h.ID
	in, err := handle(h)
	if err != nil {
		return c.fail(call, err)
	}
	_, err = c.calls.Inject(ctx, in)
	return c.answer(call, err)
}

// Inspect reads the target and says whether the fault is there.
func (c *Client) Inspect(ctx context.Context, h Handle) (State, error) {
	call := "Inspect " + h.ID
	in, err := handle(h)
	if err != nil {
		return State{}, c.fail(call, err)
	}
	var state State
	out, err := c.calls.Inspect(ctx, in)
	return state, c.answer(call, err, part{"state", out.GetState(), &state})
}

// Revert undoes Inject, however far it came, and whichever process called it.
func (c *Client) Revert(ctx context.Context, h Handle) error {
	call := "Revert " + h.ID
	in, err := handle(h)
	if err != nil {
		return c.fail(call, err)
	}
	_, err = c.calls.Revert(ctx, in)
	return c.answer(call, err)
}

// Check says at plan time what would stop an action.
func (c *Client) Check(ctx context.Context, action string, req Request) ([]Problem, error) {
	call := "Check " + req.ID
	in, err := block(action, req)
	if err != nil {
		return nil, c.fail(call, err)
	}
	var problems []Problem
	out, err := c.calls.CheckAction(ctx, in)
	return problems, c.answer(call, err, part{"problems", out.GetProblems(), &problems})
}

// Run carries an action out and returns one line about what it did.
func (c *Client) Run(ctx context.Context, action string, req Request) (string, error) {
	call := "Run " + req.ID
	in, err := block(action, req)
	if err != nil {
		return "", c.fail(call, err)
	}
	out, err := c.calls.RunAction(ctx, in)
	return out.GetSummary(), c.answer(call, err)
}

// Probe asks the system one question, once.
func (c *Client) Probe(ctx context.Context, prober string, req Request) (Observation, error) {
	call := "Probe " + req.ID
	in, err := block(prober, req)
	if err != nil {
		return Observation{}, c.fail(call, err)
	}
	var seen Observation
	out, err := c.calls.Probe(ctx, in)
	return seen, c.answer(call, err, part{"observation", out.GetObservation(), &seen})
}

// Write attempts to store one record, once. An error says nothing about whether it was stored.
func (c *Client) Write(ctx context.Context, ledger string, req Request, e LedgerEntry) (LedgerAnswer, error) {
	call := "Write " + req.ID
	in, err := block(ledger, req)
	if err != nil {
		return LedgerAnswer{}, c.fail(call, err)
	}
	b, err := encode("entry", e)
	if err != nil {
		return LedgerAnswer{}, c.fail(call, err)
	}
	var answer LedgerAnswer
	out, err := c.calls.WriteLedger(ctx, &proto.WriteLedgerRequest{Type: in.GetType(), Request: in.GetRequest(), Entry: b})
	return answer, c.answer(call, err, part{"answer", out.GetAnswer(), &answer})
}

// Read gives one page of what is stored, from after the cursor on.
func (c *Client) Read(ctx context.Context, ledger string, req Request, cursor string) (LedgerPage, error) {
	call := "Read " + req.ID
	in, err := block(ledger, req)
	if err != nil {
		return LedgerPage{}, c.fail(call, err)
	}
	var page LedgerPage
	out, err := c.calls.ReadLedger(ctx, &proto.ReadLedgerRequest{Type: in.GetType(), Request: in.GetRequest(), Cursor: cursor})
	return page, c.answer(call, err, part{"page", out.GetPage(), &page})
}

// Poll asks once whether an alert fires.
func (c *Client) Poll(ctx context.Context, alert string, req Request) (AlertState, error) {
	call := "Poll " + req.ID
	in, err := block(alert, req)
	if err != nil {
		return AlertState{}, c.fail(call, err)
	}
	var state AlertState
	out, err := c.calls.PollAlert(ctx, in)
	return state, c.answer(call, err, part{"state", out.GetState(), &state})
}

// Document writes one of the plugin's documents. It needs no Configure.
func (c *Client) Document(ctx context.Context, name string, req DocumentRequest) (string, error) {
	call := "Document " + name
	b, err := encode("request", req)
	if err != nil {
		return "", c.fail(call, err)
	}
	out, err := c.calls.WriteDocument(ctx, &proto.WriteDocumentRequest{Name: name, Request: b})
	return out.GetText(), c.answer(call, err)
}

// Renew extends the lease by its full length.
func (c *Client) Renew(ctx context.Context) error {
	_, err := c.calls.Renew(ctx, &proto.RenewRequest{})
	return c.answer("Renew", err)
}

// Events calls fn, one event at a time, for what the system notices by itself. It returns nil when ctx ends or the
// plugin has no more to say.
func (c *Client) Events(ctx context.Context, fn func(Event)) error {
	stream, err := c.calls.Events(ctx, &proto.EventsRequest{})
	for err == nil {
		var out *proto.EventsReply
		if out, err = stream.Recv(); err != nil {
			break
		}
		var ev Event
		if err = json.Unmarshal(out.GetEvent(), &ev); err == nil {
			fn(ev)
		}
	}
	if errors.Is(err, io.EOF) || ctx.Err() != nil {
		return nil
	}
	return c.answer("Events", err)
}

// Sweep finds everything that carries gameday's mark, as handles that Revert understands.
func (c *Client) Sweep(ctx context.Context) ([]Handle, error) {
	out, err := c.calls.Sweep(ctx, &proto.SweepRequest{})
	handles := make([]Handle, len(out.GetHandles()))
	parts := make([]part, len(handles))
	for i, b := range out.GetHandles() {
		parts[i] = part{"handle", b, &handles[i]}
	}
	return handles, c.answer("Sweep", err, parts...)
}

// part is one part of an answer and what it decodes into.
type part struct {
	name string
	json []byte
	to   any
}

func (c *Client) answer(call string, err error, parts ...part) error {
	if err != nil {
		return c.explain(callError(c.plugin, call, err))
	}
	for _, p := range parts {
		if err := decode(p.name, p.json, p.to); err != nil {
			return c.fail(call, err)
		}
	}
	return nil
}

// fail reports a call that never reached the plugin, or whose answer made no sense.
func (c *Client) fail(call string, err error) error { return callError(c.plugin, call, err) }

func block(kind string, req Request) (*proto.BlockRequest, error) {
	b, err := encode("request", req)
	return &proto.BlockRequest{Type: kind, Request: b}, err
}

func handle(h Handle) (*proto.HandleRequest, error) {
	b, err := encode("handle", h)
	return &proto.HandleRequest{Handle: b}, err
}
