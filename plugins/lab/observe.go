package lab

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/control"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// observeEvery is how often the event log is read: the events carry their own time, so this only delays their display.
const observeEvery = 100 * time.Millisecond

// observe sends what the lab notices from now on.
func (p *provider) observe(ctx context.Context, send func(sdk.Event)) error {
	w, err := p.open(ctx)
	if err != nil {
		return err
	}
	w.Close()
	f, err := os.Open(w.dir.EventFile())
	if err != nil {
		return fmt.Errorf("following the lab's event log: %w", err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Seek(0, io.SeekEnd); err != nil {
		return fmt.Errorf("following the lab's event log: %w", err)
	}
	return follow(ctx, bufio.NewReader(f), send)
}

// follow reads lines as they are written. Half a line is kept until the rest is there.
func follow(ctx context.Context, r *bufio.Reader, send func(sdk.Event)) error {
	tick := time.NewTicker(observeEvery)
	defer tick.Stop()
	var line []byte
	for {
		part, err := r.ReadBytes('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			if e, ok := event(line); ok {
				send(e)
			}
			line = line[:0]
			continue
		case !errors.Is(err, io.EOF):
			return fmt.Errorf("following the lab's event log: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func event(line []byte) (sdk.Event, bool) {
	var e control.Event
	if err := json.Unmarshal(line, &e); err != nil {
		return sdk.Event{}, false // a line that a full disk has cut
	}
	return sdk.Event{At: e.At, Kind: sdk.EventKind(e.Kind), Source: e.Source, Subject: e.Subject, Summary: e.Summary}, true
}

// sweep finds every fault that the lab carries, whoever made it.
func (p *provider) sweep(ctx context.Context) ([]sdk.Handle, error) {
	w, err := p.open(ctx)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	records, err := w.Faults(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking the lab for its faults: %w", err)
	}
	var out []sdk.Handle
	for _, r := range records {
		var targets []sdk.Target
		for _, name := range r.Targets {
			targets = append(targets, sdk.Target{Type: targetOf(r.Kind), ID: w.lab.ID + "/" + name, Name: name})
		}
		h, err := handle(w, r, targets)
		if err != nil {
			return nil, err
		}
		h.Steps = steps(w, r, "undo it")
		out = append(out, h)
	}
	return out, nil
}

func targetOf(k control.Kind) string {
	switch k {
	case control.QuotaExhaustion, control.RegionOutage:
		return "lab_region"
	case control.DNSFailure:
		return "lab_service"
	case control.LinkLatency:
		return "lab_link"
	}
	return "lab_zone"
}
