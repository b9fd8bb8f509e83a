package proxy

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/proxy/internal/api"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Version is the version of the plugin.
const Version = "0.1.0"

const defaultURL = "http://127.0.0.1:8474"

// provider is what a session knows.
type provider struct {
	mu      sync.Mutex
	server  api.Server
	asked   bool // the address was given, and is not the default
	winders map[string]*winder
	lease   time.Time // when it ends
}

// New returns the plugin.
func New() *sdk.Plugin {
	p := &provider{winders: map[string]*winder{}}
	out := &sdk.Plugin{
		Name: "proxy", Version: Version,
		Doc: "Faults of TCP connections that go through a Toxiproxy: one that is there already, or gameday-plugin-proxy serve. " +
			"What becomes of them when every process of gameday dies is in docs/plugins/proxy.md.",
		Config: sdk.Schema{Attributes: []sdk.Attribute{{
			Name: "url", Type: sdk.String, Default: defaultURL, Doc: "Where the HTTP interface of the Toxiproxy is.",
		}}},
		Configure: p.configure, Sweep: p.sweep, Leased: p.leased,
		Targets: map[string]sdk.TargetType{"proxy_route": routes{p}},
		Faults:  map[string]sdk.Fault{},
	}
	for _, k := range kinds() {
		out.Faults[k.name] = &fault{p, k}
	}
	return out
}

func (p *provider) configure(_ context.Context, set sdk.Settings) (map[string]any, []sdk.Problem, error) {
	c := struct {
		URL string `json:"url"`
	}{defaultURL}
	if err := set.Decode(&c); err != nil {
		return nil, nil, err
	}
	at, problems := address(c.URL)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.server, p.asked = api.Server{URL: at}, c.URL != defaultURL
	return nil, problems, nil
}

// address is the address in one form. It goes into handles, and so into the journal, where no password may be.
func address(text string) (string, []sdk.Problem) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return "", []sdk.Problem{problem("url", fmt.Sprintf("%q is no address of a Toxiproxy", text), "Such as "+defaultURL+".")}
	case u.User != nil:
		return "", []sdk.Problem{problem("url", "The address has a password in it", "It would be written to the journal. Reach the Toxiproxy without one.")}
	case u.RawQuery != "" || u.Fragment != "":
		return "", []sdk.Problem{problem("url", fmt.Sprintf("%q is more than an address", text), "Such as "+defaultURL+".")}
	}
	return strings.TrimRight(u.String(), "/"), nil
}

func problem(path, summary, detail string) sdk.Problem {
	out := sdk.Problem{Severity: sdk.Error, Summary: summary, Detail: detail}
	if path != "" {
		out.Path = strings.Split(path, ".")
	}
	return out
}
