package probe

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"time"

	"github.com/gameday-toolkit/gameday/internal/probe/client"
	"github.com/gameday-toolkit/gameday/internal/probe/promql"
)

// defaultScrape is the scrape interval of a server that does not tell: Prometheus's own default.
const defaultScrape = time.Minute

// RatioConfig is a pair of PromQL expressions that count up: good requests, and all of them.
type RatioConfig struct {
	URL         string
	Good, Total string
	Interval    time.Duration // between polls, default 5 s
	Scrape      time.Duration // of the source; 0: asked of the server, as the longest of its targets
	Headers     map[string]string
	Resolver    string
	TLS         *client.TLS
}

// Point is what was counted between two polls, or why it is not known. Times are offsets on the run's clock.
type Point struct {
	From, To    time.Duration
	Good, Total float64
	Resolution  time.Duration // the longer of the poll interval and the scrape interval
	Err         error
}

// PollRatio polls until ctx ends. The first poll gives no point, only a place to count from; a poll that fails gives a
// point with its error, and the next that works counts from the last that did. emit is called by one goroutine.
func PollRatio(ctx context.Context, base time.Time, c RatioConfig, emit func(Point)) error {
	if c.Good == "" || c.Total == "" {
		return errors.New("a ratio needs the expressions good and total")
	}
	if c.Interval <= 0 {
		c.Interval = 5 * time.Second
	}
	q, err := promql.New(promql.Config{URL: c.URL, Headers: c.Headers, Resolver: c.Resolver, TLS: c.TLS})
	if err != nil {
		return err
	}
	defer q.Close()
	r := &ratio{RatioConfig: c, client: q, base: base}
	tick := time.NewTicker(c.Interval)
	defer tick.Stop()
	for {
		if p, ok := r.poll(ctx); ok && ctx.Err() == nil {
			emit(p)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

type ratio struct {
	RatioConfig
	client *promql.Client
	base   time.Time
	last   *reading
}

type reading struct {
	at          time.Duration
	good, total float64
}

func (r *ratio) poll(ctx context.Context) (Point, bool) {
	ctx, cancel := context.WithTimeout(ctx, r.Interval)
	defer cancel()
	p := Point{From: time.Since(r.base), Resolution: max(r.Interval, r.scrape(ctx))}
	p.To = p.From
	if r.last != nil {
		p.From = r.last.at
	}
	now, err := r.read(ctx)
	if err != nil {
		p.Err = err
		return p, true
	}
	last := r.last
	now.at, r.last = p.To, &now
	if last == nil {
		return p, false
	}
	p.Good, p.Total = increase(last.good, now.good), increase(last.total, now.total)
	return p, true
}

// read evaluates both expressions at the same instant of the server's clock, so that they count the same requests.
func (r *ratio) read(ctx context.Context) (reading, error) {
	at := time.Now()
	total, ok, err := r.value(ctx, r.Total, at)
	if err != nil {
		return reading{}, fmt.Errorf("reading total: %w", err)
	}
	if !ok {
		return reading{}, errors.New("reading total: the expression has no value")
	}
	good, _, err := r.value(ctx, r.Good, at) // no series of good requests yet means that there was none
	if err != nil {
		return reading{}, fmt.Errorf("reading good: %w", err)
	}
	return reading{good: good, total: total}, nil
}

func (r *ratio) value(ctx context.Context, expr string, at time.Time) (v float64, ok bool, err error) {
	series, err := r.client.Query(ctx, expr, at)
	if err != nil || len(series) == 0 {
		return 0, false, err
	}
	for _, s := range series {
		v += s.Value
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, false, fmt.Errorf("the value is %v", v)
	}
	return v, true, nil
}

// increase is what a counter grew by. A counter that fell was reset, and has counted from zero since, as PromQL's
// increase() assumes too.
func increase(from, to float64) float64 {
	if to < from {
		return to
	}
	return to - from
}

// scrape is the longest scrape interval of the server's targets. A server that has no such page (not every one that speaks
// PromQL scrapes) is taken for one with Prometheus's default.
func (r *ratio) scrape(ctx context.Context) time.Duration {
	if r.Scrape > 0 {
		return r.Scrape
	}
	var data struct {
		ActiveTargets []struct {
			ScrapeInterval string `json:"scrapeInterval"`
		} `json:"activeTargets"`
	}
	err := r.client.Get(ctx, "/api/v1/targets", url.Values{"state": {"active"}}, &data)
	var wrong *promql.StatusError
	if err != nil && !errors.As(err, &wrong) {
		return defaultScrape // nobody there: ask again next time
	}
	for _, t := range data.ActiveTargets {
		if d, err := time.ParseDuration(t.ScrapeInterval); err == nil {
			r.Scrape = max(r.Scrape, d)
		}
	}
	if r.Scrape <= 0 {
		r.Scrape = defaultScrape
	}
	return r.Scrape
}
