package reports

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	pdf "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

// browser is one headless Chromium for a test; it asks nobody for anything.
func browser(t *testing.T) context.Context {
	t.Helper()
	found := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			found = path
			break
		}
	}
	if found == "" {
		if os.Getenv("GAMEDAY_REQUIRE") == "1" {
			t.Fatal("there is no chromium, and GAMEDAY_REQUIRE=1")
		}
		t.Skip("there is no chromium: the pages are not looked at in a browser")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(found), chromedp.NoSandbox, chromedp.DisableGPU) // and a profile of its own
	for _, off := range []string{"disable-quic", "no-first-run", "disable-background-networking", "disable-component-update", "disable-sync"} {
		opts = append(opts, chromedp.Flag(off, true))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	require.NoError(t, chromedp.Do(ctx))
	return ctx
}

// One browser looks at all pages: each test has a tab of its own.
func TestInABrowser(t *testing.T) {
	ctx := browser(t)
	for name, look := range map[string]func(*testing.T, context.Context){
		"the timeline is explored with keys": exploreWithKeys, "the timeline is zoomed by dragging": zoomByDragging, "the still picture needs no script": stillWithoutScript,
		"pages fit a telephone": fitATelephone, "the executive page is one side": oneSide, "the executive page fits": executiveFits,
	} {
		t.Run(name, func(t *testing.T) {
			tab, cancel := chromedp.NewContext(ctx)
			defer cancel()
			look(t, tab)
		})
	}
}

// listen gathers what a page asks others for and what goes wrong in it.
func listen(t *testing.T, ctx context.Context) (heard func() []string) {
	t.Helper()
	var mu sync.Mutex
	var all []string
	require.NoError(t, chromedp.Listen(ctx, func(ev any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := ev.(type) {
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, "file:") {
				all = append(all, "asks for "+e.Request.URL)
			}
		case *runtime.EventExceptionThrown:
			all = append(all, e.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			all = append(all, e.Entry.Text)
		}
	}))
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

// open renders a page into a file and opens it at a width.
func open(t *testing.T, ctx context.Context, render func(*strings.Builder) error, width int64) {
	t.Helper()
	var b strings.Builder
	require.NoError(t, render(&b))
	path := filepath.Join(t.TempDir(), "page.html")
	require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o644))
	require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(width, 900), chromedp.Navigate((&url.URL{Scheme: "file", Path: path}).String())))
}

func openReport(t *testing.T, ctx context.Context, m *Model, width int64) {
	t.Helper()
	open(t, ctx, func(b *strings.Builder) error { return HTML(b, m) }, width)
}

func eval[T any](t *testing.T, ctx context.Context, js string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](js))
	require.NoError(t, err, js)
	return v
}

func press(t *testing.T, ctx context.Context, keys ...string) {
	t.Helper()
	for _, k := range keys {
		require.NoError(t, chromedp.Do(ctx, chromedp.KeyEvent(k)))
	}
}

// The timeline is explored with keys alone: from its slider a cursor reads out values, and the picture zooms.
func exploreWithKeys(t *testing.T, ctx context.Context) {
	heard := listen(t, ctx)
	openReport(t, ctx, failover(), 1280)
	require.True(t, eval[bool](t, ctx, `!document.querySelector(".live").hidden && getComputedStyle(document.querySelector(".still")).display === "none"`))
	press(t, ctx, kb.Tab)
	require.Equal(t, "Skip to the report", eval[string](t, ctx, `document.activeElement.textContent`), "the first stop")
	require.GreaterOrEqual(t, eval[float64](t, ctx, `document.activeElement.getBoundingClientRect().left`), 0.0, "it can be seen")
	require.Equal(t, "slider", tabTo(t, ctx, `document.activeElement.getAttribute("role") === "slider" ? "slider" : ""`))
	readout := func() string {
		return eval[string](t, ctx, `document.querySelector(".scrub").getAttribute("aria-valuetext") || ""`)
	}
	span := func() string { return eval[string](t, ctx, `document.querySelector(".range").textContent`) }

	press(t, ctx, kb.ArrowRight, kb.ArrowRight)
	require.Contains(t, readout(), "checkout  100 %")
	require.Equal(t, "the whole run", span())
	press(t, ctx, "f")
	require.Equal(t, "0:00.28 to 1:23.61", span(), "from the first fault to the recovery, with a margin")
	press(t, ctx, kb.Home, "+", "+")
	require.Regexp(t, `^0:00\.28 to 0:21`, span())
	for range 3 {
		press(t, ctx, kb.PageDown)
	}
	press(t, ctx, kb.ArrowRight)
	require.Contains(t, readout(), "▪ east", "a fault is there under the cursor")
	press(t, ctx, "0")
	require.Equal(t, "the whole run", span())
	require.Empty(t, heard(), "the page asks nobody for anything, and its policy stops nothing of its own")
}

// tabTo presses Tab until found says something, and says that.
func tabTo(t *testing.T, ctx context.Context, found string) string {
	t.Helper()
	for range 60 {
		press(t, ctx, kb.Tab)
		if v := eval[string](t, ctx, found); v != "" {
			return v
		}
	}
	t.Fatal("60 times Tab did not lead there")
	return ""
}

// A mouse that is dragged across the picture zooms into what it passed.
func zoomByDragging(t *testing.T, ctx context.Context) {
	openReport(t, ctx, passed(), 1280)
	at := eval[[]float64](t, ctx, `(() => { document.querySelector(".stage").scrollIntoView(); const b = document.querySelector(".stage").getBoundingClientRect(); return [b.left, b.top + 60, b.width]; })()`)
	from, to := at[0]+46+(at[2]-52)*.25, at[0]+46+(at[2]-52)*.5
	require.NoError(t, chromedp.Do(ctx, chromedp.DragAndDropXY(from, at[1], to, at[1])))
	require.Regexp(t, `^0:1[23]\.\d\d to 0:2[56]\.\d\d$`, eval[string](t, ctx, `document.querySelector(".range").textContent`))
}

// Without a script, and on paper, the still picture is there.
func stillWithoutScript(t *testing.T, ctx context.Context) {
	const shown = `(() => { const s = (q) => document.querySelector(q).getBoundingClientRect().height > 0; return [s(".still .chart.wide"), s(".live")]; })()`
	require.NoError(t, chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	})))
	openReport(t, ctx, passed(), 1280)
	require.Equal(t, []bool{true, false}, eval[[]bool](t, ctx, shown))
}

// At the width of a telephone nothing is cut off to the side, and no key leads to something that cannot be seen.
func fitATelephone(t *testing.T, ctx context.Context) {
	heard := listen(t, ctx)
	for _, name := range []string{"failover", "many", "hostile", "leaked", "bare", "empty"} {
		m := models()[name]
		openReport(t, ctx, m, 390)
		require.LessOrEqual(t, eval[int](t, ctx, `document.documentElement.scrollWidth`), 390, name)
		open(t, ctx, func(b *strings.Builder) error { return Executive(b, m) }, 390)
		require.LessOrEqual(t, eval[int](t, ctx, `document.documentElement.scrollWidth`), 390, "%s, executive", name)
	}
	require.Empty(t, heard(), "nothing goes wrong in any of them")
}

var pdfPage = regexp.MustCompile(`/Type\s*/Page\b[^s]`)

// The executive page is one side of A4, whatever the run.
func oneSide(t *testing.T, ctx context.Context) {
	for _, name := range []string{"failover", "many", "hostile", "leaked", "empty"} {
		open(t, ctx, func(b *strings.Builder) error { return Executive(b, models()[name]) }, 1280)
		yes := true
		printed, err := chromedp.Run(ctx, chromedp.PrintToPDF(func(p *pdf.PrintToPDFParams) { p.PreferCSSPageSize, p.PrintBackground = &yes, &yes }))
		require.NoError(t, err, name)
		require.Len(t, pdfPage.FindAll(printed, -1), 1, name)
	}
}

// What matters is never what is clipped: on paper, ordinary runs fit with all they say.
func executiveFits(t *testing.T, ctx context.Context) {
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
	require.NoError(t, err)
	for _, name := range []string{"pass", "censored", "failover", "leaked", "aborted", "inconclusive"} {
		open(t, ctx, func(b *strings.Builder) error { return Executive(b, models()[name]) }, 688) // A4 less its margins
		require.LessOrEqual(t, eval[float64](t, ctx, `(() => { const m = document.querySelector("main"); return m.scrollHeight - m.clientHeight; })()`), 1.0, name)
	}
}
