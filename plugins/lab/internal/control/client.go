package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/labdir"
)

// Client calls the control API of one lab.
type Client struct {
	base  string
	token string
	http  *http.Client
}

// StatusError is an answer other than 2xx.
type StatusError struct {
	Status int
	Code   string
	Msg    string
}

func (e *StatusError) Error() string { return e.Msg }

// ErrNotRunning means that a lab was started here and does not answer.
var ErrNotRunning = errors.New("the lab does not answer")

const maxAnswer = 16 << 20

// Dial reads where the lab of a directory is. It does not connect.
func Dial(dir labdir.Dir) (*Client, labdir.Lab, error) {
	lab, err := dir.Load()
	if err != nil {
		return nil, lab, err
	}
	token, err := dir.Token()
	if err != nil {
		return nil, lab, err
	}
	return NewClient("http://"+lab.Control(), token), lab, nil
}

// NewClient calls the control API at a URL.
func NewClient(base, token string) *Client {
	return &Client{base: base, token: token, http: &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second,
	}}}
}

// Close drops the idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Status reads the whole lab.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var s Status
	return s, c.call(ctx, http.MethodGet, "/v1/status", nil, &s)
}

// Instances reads what a region has.
func (c *Client) Instances(ctx context.Context, region string) (Instances, error) {
	var out Instances
	return out, c.call(ctx, http.MethodGet, "/v1/regions/"+url.PathEscape(region)+"/instances", nil, &out)
}

// Launch asks a region for one more instance. A dry run asks whether it would be granted.
func (c *Client) Launch(ctx context.Context, region string, dryRun bool) (Instance, error) {
	var out Instance
	path := "/v1/regions/" + url.PathEscape(region) + "/instances?dry_run=" + strconv.FormatBool(dryRun)
	return out, c.call(ctx, http.MethodPost, path, nil, &out)
}

// Terminate ends an extra instance.
func (c *Client) Terminate(ctx context.Context, region, name string) error {
	return c.call(ctx, http.MethodDelete, "/v1/regions/"+url.PathEscape(region)+"/instances/"+url.PathEscape(name), nil, nil)
}

// Role waits up to ten seconds for a role newer than since, and confirms that the instance has applied since.
func (c *Client) Role(ctx context.Context, instance string, since int) (Role, error) {
	var out Role
	path := "/v1/role?instance=" + url.QueryEscape(instance) + "&since=" + strconv.Itoa(since)
	return out, c.call(ctx, http.MethodGet, path, nil, &out)
}

// Report appends to the event log.
func (c *Client) Report(ctx context.Context, e Event) error {
	return c.call(ctx, http.MethodPost, "/v1/events", e, nil)
}

// Faults lists the fault records.
func (c *Client) Faults(ctx context.Context) ([]Record, error) {
	var out []Record
	return out, c.call(ctx, http.MethodGet, "/v1/faults", nil, &out)
}

// Inject makes a fault. It returns when the fault is there.
func (c *Client) Inject(ctx context.Context, r Record) error {
	return c.call(ctx, http.MethodPut, faultPath(r.Run, r.ID), r, nil)
}

// Heal undoes a fault. It returns when what the fault hurt works again. Healing what is not there is no error.
func (c *Client) Heal(ctx context.Context, run, id string) error {
	return c.call(ctx, http.MethodDelete, faultPath(run, id), nil, nil)
}

// Failover moves the service to a region.
func (c *Client) Failover(ctx context.Context, to string) (FailoverResult, error) {
	var out FailoverResult
	return out, c.call(ctx, http.MethodPost, "/v1/failover?to="+url.QueryEscape(to), nil, &out)
}

func faultPath(run, id string) string {
	return "/v1/faults?run=" + url.QueryEscape(run) + "&id=" + url.QueryEscape(id)
}

func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("asking the lab: %w", err)
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return fmt.Errorf("asking the lab: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	resp, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("asking the lab: %w", err)
		}
		return fmt.Errorf("%w: %w", ErrNotRunning, err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("reading the lab's answer: %w", err)
	}
	return decode(resp.StatusCode, raw, out)
}

func decode(status int, raw []byte, out any) error {
	if status/100 != 2 {
		var e Error
		if err := json.Unmarshal(raw, &e); err != nil || e.Message == "" {
			e.Message = fmt.Sprintf("the lab answered %d", status)
		}
		return &StatusError{Status: status, Code: e.Code, Msg: e.Message}
	}
	if out == nil || len(raw) == 0 {
		return nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("reading the lab's answer: %w", err)
	}
	return nil
}
