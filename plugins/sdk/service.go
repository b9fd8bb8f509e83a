package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"google.golang.org/grpc"

	"github.com/gameday-toolkit/gameday/plugins/sdk/proto"
)

// service is the plugin's end of the wire: it decodes, calls and encodes. What a call means is Session's business.
type service struct {
	proto.UnimplementedPluginServer
	session *Session
}

func (v *service) Describe(ctx context.Context, _ *proto.DescribeRequest) (*proto.DescribeReply, error) {
	var out proto.DescribeReply
	err := v.session.guard("Describe", func() (err error) {
		out.Info, err = encode("info", v.session.plugin.Describe())
		return err
	})
	return &out, wireError(ctx, err)
}

func (v *service) Configure(ctx context.Context, in *proto.ConfigureRequest) (*proto.ConfigureReply, error) {
	var set Settings
	if err := decode("settings", in.GetSettings(), &set); err != nil {
		return nil, wireError(ctx, err)
	}
	outputs, problems, err := v.session.configure(ctx, set)
	if err != nil {
		return nil, wireError(ctx, err)
	}
	var out proto.ConfigureReply
	err = encodeAll(field{"outputs", outputs, &out.Outputs}, field{"problems", problems, &out.Problems})
	return &out, wireError(ctx, err)
}

func (v *service) Resolve(ctx context.Context, in *proto.BlockRequest) (*proto.ResolveReply, error) {
	var out proto.ResolveReply
	err := onBlock(v.session, "Resolve", v.session.plugin.Targets, "target", in, func(t TargetType, req Request) error {
		sel, problems, err := t.Resolve(ctx, req)
		if err != nil {
			return err
		}
		return encodeAll(field{"selection", sel, &out.Selection}, field{"problems", problems, &out.Problems})
	})
	return &out, wireError(ctx, err)
}

func (v *service) Prepare(ctx context.Context, in *proto.BlockRequest) (*proto.PrepareReply, error) {
	var out proto.PrepareReply
	err := onBlock(v.session, "Prepare", v.session.plugin.Faults, "fault", in, func(f Fault, req Request) error {
		h, problems, err := f.Prepare(ctx, req)
		if err != nil {
			return err
		}
		h = v.session.stamp(h, in.GetType(), req)
		return encodeAll(field{"handle", h, &out.Handle}, field{"problems", problems, &out.Problems})
	})
	return &out, wireError(ctx, err)
}

func (v *service) Inject(ctx context.Context, in *proto.HandleRequest) (*proto.InjectReply, error) {
	return &proto.InjectReply{}, wireError(ctx, v.session.onHandle(ctx, "Inject", in, v.session.inject))
}

func (v *service) Inspect(ctx context.Context, in *proto.HandleRequest) (*proto.InspectReply, error) {
	var out proto.InspectReply
	err := v.session.onHandle(ctx, "Inspect", in, func(ctx context.Context, f Fault, e *held, h Handle) error {
		state, err := f.Inspect(ctx, h)
		if err != nil {
			return err
		}
		v.session.inspected(e, state.Status)
		out.State, err = encode("state", state)
		return err
	})
	return &out, wireError(ctx, err)
}

func (v *service) Revert(ctx context.Context, in *proto.HandleRequest) (*proto.RevertReply, error) {
	err := v.session.onHandle(ctx, "Revert", in, func(ctx context.Context, f Fault, e *held, h Handle) error {
		if err := f.Revert(ctx, h); err != nil {
			return err
		}
		v.session.reverted(e)
		return nil
	})
	return &proto.RevertReply{}, wireError(ctx, err)
}

func (v *service) CheckAction(ctx context.Context, in *proto.BlockRequest) (*proto.CheckActionReply, error) {
	var out proto.CheckActionReply
	err := onBlock(v.session, "Check", v.session.plugin.Actions, "action", in, func(a Action, req Request) error {
		problems, err := a.Check(ctx, req)
		if err != nil {
			return err
		}
		return encodeAll(field{"problems", problems, &out.Problems})
	})
	return &out, wireError(ctx, err)
}

func (v *service) RunAction(ctx context.Context, in *proto.BlockRequest) (*proto.RunActionReply, error) {
	var out proto.RunActionReply
	err := onBlock(v.session, "Run", v.session.plugin.Actions, "action", in, func(a Action, req Request) (err error) {
		out.Summary, err = a.Run(ctx, req)
		return err
	})
	return &out, wireError(ctx, err)
}

func (v *service) Probe(ctx context.Context, in *proto.BlockRequest) (*proto.ProbeReply, error) {
	var out proto.ProbeReply
	err := onBlock(v.session, "Probe", v.session.plugin.Probers, "prober", in, func(p Prober, req Request) error {
		seen, err := p.Probe(ctx, req)
		if err != nil {
			return err
		}
		out.Observation, err = encode("observation", seen)
		return err
	})
	return &out, wireError(ctx, err)
}

func (v *service) WriteLedger(ctx context.Context, in *proto.WriteLedgerRequest) (*proto.WriteLedgerReply, error) {
	var out proto.WriteLedgerReply
	err := onBlock(v.session, "Write", v.session.plugin.Ledgers, "ledger", in, func(l Ledger, req Request) error {
		var e LedgerEntry
		if err := decode("entry", in.GetEntry(), &e); err != nil {
			return err
		}
		answer, err := l.Write(ctx, req, e)
		if err != nil {
			return err
		}
		out.Answer, err = encode("answer", answer)
		return err
	})
	return &out, wireError(ctx, err)
}

func (v *service) ReadLedger(ctx context.Context, in *proto.ReadLedgerRequest) (*proto.ReadLedgerReply, error) {
	var out proto.ReadLedgerReply
	err := onBlock(v.session, "Read", v.session.plugin.Ledgers, "ledger", in, func(l Ledger, req Request) error {
		page, err := l.Read(ctx, req, in.GetCursor())
		if err != nil {
			return err
		}
		out.Page, err = encode("page", page)
		return err
	})
	return &out, wireError(ctx, err)
}

func (v *service) PollAlert(ctx context.Context, in *proto.BlockRequest) (*proto.PollAlertReply, error) {
	var out proto.PollAlertReply
	err := onBlock(v.session, "Poll", v.session.plugin.Alerts, "alert", in, func(a Alert, req Request) error {
		state, err := a.Poll(ctx, req)
		if err != nil {
			return err
		}
		out.State, err = encode("state", state)
		return err
	})
	return &out, wireError(ctx, err)
}

// WriteDocument needs no Configure: a document is about what the request says, and not about the world.
func (v *service) WriteDocument(ctx context.Context, in *proto.WriteDocumentRequest) (*proto.WriteDocumentReply, error) {
	var out proto.WriteDocumentReply
	doc, err := offered(v.session.plugin.Documents, "document", in.GetName())
	if err != nil {
		return nil, wireError(ctx, err)
	}
	var req DocumentRequest
	if err := decode("request", in.GetRequest(), &req); err != nil {
		return nil, wireError(ctx, err)
	}
	err = v.session.guard("WriteDocument "+in.GetName(), func() (err error) {
		out.Text, err = doc.Write(ctx, req)
		return err
	})
	return &out, wireError(ctx, err)
}

func (v *service) Renew(ctx context.Context, _ *proto.RenewRequest) (*proto.RenewReply, error) {
	return &proto.RenewReply{}, wireError(ctx, v.session.renew())
}

func (v *service) Sweep(ctx context.Context, _ *proto.SweepRequest) (*proto.SweepReply, error) {
	var out proto.SweepReply
	err := v.session.ability("Sweep", v.session.plugin.Sweep != nil, func() error {
		handles, err := v.session.plugin.Sweep(ctx)
		if err != nil {
			return err
		}
		for _, h := range handles {
			b, err := encode("handle "+h.ID, h)
			if err != nil {
				return err
			}
			out.Handles = append(out.Handles, b)
		}
		return nil
	})
	return &out, wireError(ctx, err)
}

func (v *service) Events(_ *proto.EventsRequest, to grpc.ServerStreamingServer[proto.EventsReply]) error {
	ctx := to.Context()
	out := &emitter{to: to}
	err := v.session.ability("Events", v.session.plugin.Observe != nil, func() error {
		defer out.close()
		return v.session.plugin.Observe(ctx, out.emit)
	})
	return wireError(ctx, errors.Join(err, out.err))
}

// emitter lets any goroutine of the plugin send events, which a gRPC stream does not, and none after the call's end.
type emitter struct {
	mu     sync.Mutex
	to     grpc.ServerStreamingServer[proto.EventsReply]
	err    error
	closed bool
}

func (e *emitter) emit(ev Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed || e.err != nil {
		return
	}
	b, err := encode("event", ev)
	if err == nil {
		err = e.to.Send(&proto.EventsReply{Event: b})
	}
	e.err = err
}

func (e *emitter) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
}

// field is one part of an answer and where its JSON goes.
type field struct {
	name  string
	value any
	to    *[]byte
}

func encodeAll(fields ...field) (err error) {
	for _, f := range fields {
		if *f.to, err = encode(f.name, f.value); err != nil {
			return err
		}
	}
	return nil
}

func encode(name string, v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding the %s as JSON: %w", name, err)
	}
	return b, nil
}

func decode(name string, b []byte, v any) error {
	if len(b) == 0 {
		return nil
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("decoding the %s from JSON: %w", name, err)
	}
	return nil
}
