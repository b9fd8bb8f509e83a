package conformance

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

const (
	written  = 25  // records that a check of a ledger writes
	maxPages = 100 // in which they have to be read back
)

// checkLedger writes the records of two runs and reads each back.
func checkLedger(ctx context.Context, s Subject, m mode, c LedgerCase) (err error) {
	i, err := s.open(ctx, m, 0)
	if err != nil {
		return err
	}
	defer func() { _ = i.kill() }()
	req, err := c.Setup(ctx)
	if err != nil {
		return fmt.Errorf("setting up: %w", err)
	}
	if c.Teardown != nil {
		defer func() { err = errors.Join(err, c.Teardown(context.WithoutCancel(ctx), req)) }()
	}
	req.ID = "ledger." + c.Ledger + ".under_test"
	first, second := rand.Text()[:10], rand.Text()[:10]
	for _, run := range []string{first, second} {
		req.Run = run
		switch got, err := readAll(ctx, i, c.Ledger, req); {
		case err != nil:
			return err
		case len(got) > 0:
			return fmt.Errorf("nothing was written for run %s yet, and Read finds %+v", run, got)
		}
		if err := writeAll(ctx, i, c.Ledger, req); err != nil {
			return err
		}
	}
	for _, run := range []string{first, second} {
		req.Run = run
		if err := s.soon(ctx, func() error { return allThere(ctx, i, c.Ledger, req) }); err != nil {
			return err
		}
	}
	return nil
}

// soon waits for as long as an effect may take to show.
func (s Subject) soon(ctx context.Context, look func() error) error {
	for end := time.Now().Add(s.Settle); ; {
		err := look()
		if err == nil || time.Now().After(end) {
			return err
		}
		if pause(ctx, 20*time.Millisecond); ctx.Err() != nil {
			return err
		}
	}
}

func entry(run string, k int) sdk.LedgerEntry {
	return sdk.LedgerEntry{Run: run, Seq: uint64(k) * 7, Worker: uint16(k % 3), Time: time.UnixMilli(1_700_000_000_000 + int64(k)).UTC()}
}

func writeAll(ctx context.Context, i *instance, ledger string, req sdk.Request) error {
	for k := range written {
		a, err := i.Write(ctx, ledger, req, entry(req.Run, k))
		if err != nil {
			return fmt.Errorf("Write on a healthy store: %w", err)
		}
		if a.Outcome != sdk.LedgerOK {
			return fmt.Errorf("Write on a healthy store: %s %s", a.Outcome, a.Detail)
		}
	}
	return nil
}

// readAll reads page after page. It ends, or that is a mistake.
func readAll(ctx context.Context, i *instance, ledger string, req sdk.Request) (got []sdk.LedgerEntry, err error) {
	cursor, seen := "", map[string]bool{}
	for range maxPages {
		page, err := i.Read(ctx, ledger, req, cursor)
		switch {
		case err != nil:
			return got, fmt.Errorf("Read from the cursor %q: %w", cursor, err)
		case len(page.Strange) > 0:
			return got, fmt.Errorf("Read calls strange what nobody but itself wrote: %q", page.Strange)
		}
		got = append(got, page.Entries...)
		if page.Next == "" {
			return got, nil
		}
		if seen[page.Next] {
			return got, fmt.Errorf("Read gives the cursor %q twice: its pages have no end", page.Next)
		}
		cursor, seen[page.Next] = page.Next, true
	}
	return got, fmt.Errorf("Read of %d records has not ended after %d pages", written, maxPages)
}

func allThere(ctx context.Context, i *instance, ledger string, req sdk.Request) error {
	got, err := readAll(ctx, i, ledger, req)
	if err != nil {
		return err
	}
	counts := map[uint64]int{}
	var errs []error
	for _, e := range got {
		if e.Run != req.Run {
			errs = append(errs, fmt.Errorf("run %q reads record %d of run %q", req.Run, e.Seq, e.Run))
			continue
		}
		counts[e.Seq]++
		e.Time = e.Time.UTC()
		if want := entry(req.Run, int(e.Seq/7)); !reflect.DeepEqual(e, want) {
			errs = append(errs, fmt.Errorf("it was written as %+v and read back as %+v", want, e))
		}
	}
	for k := range written {
		if n := counts[entry(req.Run, k).Seq]; n != 1 {
			errs = append(errs, fmt.Errorf("record %d of run %q was acknowledged once and read back %d times", entry(req.Run, k).Seq, req.Run, n))
		}
	}
	return errors.Join(errs...)
}

// checkAlert sees an alert fire and resolve.
func checkAlert(ctx context.Context, s Subject, m mode, c AlertCase) (err error) {
	i, err := s.open(ctx, m, 0)
	if err != nil {
		return err
	}
	defer func() { _ = i.kill() }()
	req, err := c.Setup(ctx)
	if err != nil {
		return fmt.Errorf("setting up: %w", err)
	}
	if c.Teardown != nil {
		defer func() { err = errors.Join(err, c.Teardown(context.WithoutCancel(ctx), req)) }()
	}
	req.ID = "alert." + c.Alert + ".under_test"
	for _, step := range []struct {
		name   string
		do     func(context.Context, sdk.Request) error
		firing bool
	}{
		{"before anything happened", func(context.Context, sdk.Request) error { return nil }, false},
		{"after Fire", c.Fire, true}, {"after Resolve", c.Resolve, false},
	} {
		if err := step.do(ctx, req); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		if err := s.showsAlert(ctx, i, c.Alert, req, step.firing); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
}

// showsAlert waits until a Poll answers as it should.
func (s Subject) showsAlert(ctx context.Context, i *instance, alert string, req sdk.Request, firing bool) error {
	return s.soon(ctx, func() error {
		st, err := i.Poll(ctx, alert, req)
		switch {
		case err != nil:
			return fmt.Errorf("Poll: %w", err)
		case st.Firing != firing:
			return fmt.Errorf("Poll says firing is %v, and it is %v", st.Firing, firing)
		case firing && st.Summary == "":
			return errors.New("Poll says nothing about the alert that fires: set Summary")
		}
		return nil
	})
}
