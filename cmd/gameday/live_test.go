package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/rogpeppe/go-internal/testscript"
)

// The live page, in a real browser:
//
//	room FILE               open the links that gameday printed in FILE: watch, acknowledge, note, abort, see the reverts
//	visit FILE REGEX        open the link in FILE as a guest and wait until the page says REGEX
//	strangers FILE          what no stranger, no other site and no guest may do with that page

// chromium says whether there is a browser. Where one is required, a missing one is a failure.
func chromium() (bool, error) {
	_, err := exec.LookPath("chromium")
	if err != nil && os.Getenv("GAMEDAY_REQUIRE") == "1" {
		return false, fmt.Errorf("GAMEDAY_REQUIRE=1: %w", err)
	}
	return err == nil, nil
}

var linkForm = regexp.MustCompile(`http://\S+/#\w+`)

// links are those that gameday printed: with control, and for guests; or the only one.
func links(ts *testscript.TestScript, file string) []string {
	found := linkForm.FindAllString(ts.ReadFile(file), -1)
	if len(found) == 0 {
		ts.Fatalf("there is no link in %s", file)
	}
	return found
}

// browser is one page in a browser of its own.
type browser struct {
	ts  *testscript.TestScript
	ctx context.Context

	mu       sync.Mutex
	troubles []string
}

func newBrowser(ts *testscript.TestScript) (*browser, func()) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	ctx, stop := context.WithTimeout(context.Background(), patience)
	ctx, stopBrowser := chromedp.NewExecAllocator(ctx, options...)
	ctx, closePage := chromedp.NewContext(ctx)
	b := &browser{ts: ts, ctx: ctx}
	b.do(chromedp.Navigate("about:blank"))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for m, err := range chromedp.Console(ctx) {
			if err != nil {
				return
			}
			b.mu.Lock()
			b.troubles = append(b.troubles, m.String())
			b.mu.Unlock()
		}
	}()
	return b, func() { closePage(); stopBrowser(); stop(); <-done }
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.ts.Fatalf("in the browser: %v", err)
	}
}

func (b *browser) text(selector string) string {
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](fmt.Sprintf("[...document.querySelectorAll(%q)].map(e => e.textContent).join(' | ')", selector)))
	b.ts.Check(err)
	return text
}

// sees waits until what is visible under a selector matches.
func (b *browser) sees(selector, pattern string) {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		visible := fmt.Sprintf("[...document.querySelectorAll(%q)].filter(e => e.checkVisibility()).map(e => e.textContent).join(' | ')", selector)
		text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](visible))
		if err == nil && regexp.MustCompile(pattern).MatchString(text) {
			return
		}
		b.do(chromedp.Sleep(20 * time.Millisecond))
	}
	b.ts.Fatalf("%s does not come to say %q; the page says:\n%s", selector, pattern, b.text("body"))
}

// fine fails on what the page has complained of.
func (b *browser) fine() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.troubles {
		if !strings.Contains(m, "net::ERR_") { // the page of a run goes away with it
			b.ts.Fatalf("the page complains: %s", m)
		}
	}
}

func fill(selector, text string) chromedp.Action[chromedp.Void] {
	return chromedp.SendKeys(chromedp.CSS(selector), text)
}

func click(selector string) chromedp.Action[chromedp.Void] {
	return chromedp.Click(chromedp.CSS(selector))
}

func room(ts *testscript.TestScript, _ bool, args []string) {
	all := links(ts, args[0])
	lead, leave := newBrowser(ts)
	defer leave()
	guest, goHome := newBrowser(ts)
	defer goHome()
	lead.do(chromedp.Navigate(all[0]))
	guest.do(chromedp.Navigate(all[1]))

	// Everybody watches.
	for _, b := range []*browser{lead, guest} {
		b.sees("#title", "Take a file away")
		b.sees("#phase", "inject")
		b.sees("#clock", `^\d+:\d\d$`)
		b.sees("#faults", `gone.*active, \d+:\d\d (at most|left)`)
		b.sees("#guards", "floor.*% of the way")
		b.sees(".slo.violated", `svc.*target 90 %.*VIOLATED`)
		b.sees(".turn", "Decide.*Promote the other one")
		b.sees("#lines", "fault.file_missing.gone: proven active")
	}
	lead.sees("#role", "with control")
	guest.sees("#role", "read only")
	if url, err := chromedp.Run(lead.ctx, chromedp.Evaluate[string]("location.href")); err != nil || strings.Contains(url, "#") {
		ts.Fatalf("the link stays in view: %s %v", url, err)
	}
	if n, err := chromedp.Run(guest.ctx, chromedp.Evaluate[int]("[...document.querySelectorAll('button')].filter(b => b.checkVisibility() && b.id !== 'span').length")); err != nil || n != 0 {
		ts.Fatalf("a guest is offered %d buttons: %v", n, err)
	}

	// One of them acts, and all see it.
	lead.do(fill(".turn input.by", "Ada"), fill(".turn .grow input", "the other one is up"), click(".turn button"))
	guest.sees("#steps", "Decide.*done.*by Ada.*the other one is up")
	lead.do(fill("#text", "<img src=x onerror=alert(1)> the queue grows, token hush-hush-4711"), click("#note button"))
	for _, b := range []*browser{lead, guest} {
		b.sees("#lines li.k-note", `Ada<img src=x onerror=alert\(1\)> the queue grows, token \(sensitive\)`)
	}

	// An abort is asked about, and can be taken back.
	lead.do(click("#abort"))
	lead.sees("dialog", "Abort this run")
	lead.do(click("#cancel"))
	lead.sees("#phase", "inject")
	lead.do(click("#abort"), fill("#why", "the queue is full"), click("#really"))
	for _, b := range []*browser{lead, guest} {
		b.sees("#outcome", "Aborted.*the queue is full|Aborted")
		b.sees("#faults", "gone.*reverted after")
		b.sees("#lines", "aborted the run: aborted on the live page by Ada: the queue is full")
		b.sees("#phase", "the run is over")
		b.sees("#outcome", "Aborted")
		b.fine()
	}
}

func visit(ts *testscript.TestScript, _ bool, args []string) {
	b, leave := newBrowser(ts)
	defer leave()
	b.do(chromedp.Navigate(links(ts, args[0])[0]))
	b.sees("body", args[1])
	b.fine()
}

// strangers asks without a browser for what must not be given.
func strangers(ts *testscript.TestScript, _ bool, args []string) {
	all := links(ts, args[0])
	base, control, _ := strings.Cut(all[0], "#")
	_, guest, _ := strings.Cut(all[len(all)-1], "#")
	ask := func(method, path, token string, header ...string) int {
		req, err := http.NewRequest(method, base+path, strings.NewReader(`{"by":"eve","text":"x","sure":true}`))
		ts.Check(err)
		req.Header.Set("Content-Type", "application/json")
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
			if header[i] == "Host" {
				req.Host = header[i+1]
			}
		}
		resp, err := http.DefaultClient.Do(req)
		ts.Check(err)
		ts.Check(resp.Body.Close())
		return resp.StatusCode
	}
	var errs []error
	want := func(what string, got, code int) {
		if got != code {
			errs = append(errs, fmt.Errorf("%s: %d instead of %d", what, got, code))
		}
	}
	want("nobody watches without a link", ask("GET", "api/stream", ""), 401)
	want("nobody aborts without a link", ask("POST", "api/abort", ""), 401)
	want("a wrong token", ask("POST", "api/abort", guest+"x"), 401)
	want("a guest only looks", ask("POST", "api/abort", guest), 403)
	want("a guest notes nothing", ask("POST", "api/note", guest), 403)
	want("another site", ask("POST", "api/abort", control, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"), 403)
	want("a name that was made to point here", ask("POST", "api/abort", control, "Host", "evil.example"), 421)
	want("nothing to acknowledge", ask("POST", "api/acknowledge", control), 409)
	ts.Check(errors.Join(errs...))
}
