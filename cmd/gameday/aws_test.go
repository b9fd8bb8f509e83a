package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// account is an AWS of our own with a shop in it, in a process beside gameday.
type account struct {
	there map[string]string

	mu     sync.Mutex
	looked time.Time // when denied was last read
	denied bool      // whether the zone's subnet is cut off
	since  time.Time // since when
	asked  int
}

var buildAWS = sync.OnceValue(func() error { return buildBinary("cloud/aws", "../../plugins/aws/internal/awsfake/serve") })

// newAccount starts it, and gives what it says of itself to the script: AWS_... are the variables of an AWS client, and there.vars.hcl has
// values for the scenarios.
func newAccount(ts *testscript.TestScript) *account {
	cloud(ts, false, nil)
	ts.Check(buildAWS())
	cmd := exec.Command(filepath.Join(binaries, "cloud", "aws"))
	in, err := cmd.StdinPipe()
	ts.Check(err)
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() {
		ts.Check(in.Close())
		ts.Check(cmd.Wait())
	})
	a := &account{}
	ts.Check(json.NewDecoder(out).Decode(&a.there))
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": a.there["access_key"], "AWS_SECRET_ACCESS_KEY": a.there["secret"], "AWS_ENDPOINT_URL": a.there["url"], "AWS_EC2_METADATA_DISABLED": "true",
	} {
		ts.Setenv(name, value)
	}
	return a
}

// aws starts an account: URL is the variable for what users of the shop ask. They are hurt for a moment when the zone is cut off, and the
// alarm fires for as long as it is.
func aws(ts *testscript.TestScript, _ bool, args []string) {
	a := newAccount(ts)
	srv := httptest.NewServer(a)
	ts.Defer(srv.Close)
	ts.Setenv(args[0], srv.URL)
	var vars strings.Builder
	for _, name := range []string{"account", "region", "zone", "vpc", "target_group"} {
		fmt.Fprintf(&vars, "%s = %q\n", name, a.there[name])
	}
	fmt.Fprintf(&vars, "url = %q\npager_alarm = %q\nstop_alarm = %q\n", srv.URL, a.there["alarm"], a.there["stop_alarm"])
	ts.Check(os.WriteFile(ts.MkAbs("there.vars.hcl"), []byte(vars.String()), 0o600))
}

// heals is how long the load balancer sends users into a zone that is lost.
const heals = time.Second

func (a *account) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if time.Since(a.looked) > 50*time.Millisecond {
		if err := a.look(); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
	}
	a.asked++
	if a.denied && time.Since(a.since) < heals && a.asked%2 == 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

// look sees whether the subnet of the zone has another network ACL than that of its VPC, and tells CloudWatch.
func (a *account) look() error {
	raw, err := a.besides("state", nil)
	if err != nil {
		return err
	}
	var all map[string]struct {
		EC2 struct {
			ACLs map[string]struct {
				Default bool
				Subnets map[string]string
			}
		}
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		return err
	}
	denied := true
	for _, acl := range all[a.there["region"]].EC2.ACLs {
		if _, ok := acl.Subnets[a.there["subnet"]]; ok && acl.Default {
			denied = false
		}
	}
	a.looked = time.Now()
	if denied == a.denied {
		return nil
	}
	a.denied, a.since = denied, time.Now()
	_, err = a.besides("alarm", url.Values{"name": {a.there["alarm"]}, "region": {a.there["region"]}, "state": {map[bool]string{true: "ALARM", false: "OK"}[denied]}})
	return err
}

// besides asks the fake itself, which AWS would not answer.
func (a *account) besides(what string, form url.Values) ([]byte, error) {
	return besides(a.there["url"], what, form)
}

func besides(at, what string, form url.Values) ([]byte, error) {
	resp, err := http.PostForm(at+"/_fake/"+what, form)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", what, b)
	}
	return b, err
}

// awsIs writes down all that there is in the account.
func awsIs(ts *testscript.TestScript, _ bool, args []string) {
	b, err := besides(ts.Getenv("AWS_ENDPOINT_URL"), "state", nil)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o600))
}

// credentials makes those that everybody has expire, or be renewed.
func credentials(ts *testscript.TestScript, _ bool, args []string) {
	_, err := besides(ts.Getenv("AWS_ENDPOINT_URL"), "expire", url.Values{"on": {fmt.Sprint(args[0] == "expire")}})
	ts.Check(err)
}
