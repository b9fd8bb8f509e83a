package awsfake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Paths under this prefix are for a test in another process: they are not signed, and AWS has nothing like them.
const besides = "/_fake/"

// beside answers what is asked of the server itself.
func (s *Server) beside(w http.ResponseWriter, r *http.Request) {
	switch strings.TrimPrefix(r.URL.Path, besides) {
	case "state":
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprint(w, s.Dump())
	case "expire":
		s.Expire(r.FormValue("on") == "true")
	case "alarm":
		s.Alarm(r.FormValue("region"), r.FormValue("name"), r.FormValue("state"))
	case "take":
		d, err := time.ParseDuration(r.FormValue("each"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.Take(d)
	default:
		http.NotFound(w, r)
	}
}

// Dump is everything that exists, as text, without what AWS changes by itself and nobody can put back: IDs of associations,
// versions, past events, which of its nodes a database has chosen to be the first.
func (s *Server) Dump() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]*state{}
	for name, r := range s.regions {
		b, err := json.Marshal(r.now)
		if err != nil {
			return "the state cannot be written: " + err.Error()
		}
		again := newState(name)
		if err := json.Unmarshal(b, again); err != nil {
			return "the state cannot be read: " + err.Error()
		}
		again.forget()
		out[name] = again
	}
	b, err := json.MarshalIndent(out, "", " ")
	if err != nil {
		return "the state cannot be written: " + err.Error()
	}
	return string(b) + "\n"
}

func (s *state) forget() {
	for _, t := range s.Dynamo.Tables {
		t.At, t.Decreases, t.LastDecrease = time.Time{}, 0, time.Time{}
	}
	s.Failover.forget()
	s.EC2.forget()
	s.RDS.forget()
	s.Cache.forget()
	s.Route53.forget()
	for id, one := range s.Shifts.Shifts {
		if one.status() != "ACTIVE" {
			delete(s.Shifts.Shifts, id)
			continue
		}
		one.Expires = time.Time{} // whoever renews it
	}
	for id, e := range s.FIS.Experiments {
		if whole, _ := e.status(); whole.Status != "running" && whole.Status != "initiating" && whole.Status != "stopping" {
			delete(s.FIS.Experiments, id)
		}
	}
	for id, b := range s.Resolver.Bonds {
		if !b.Gone.IsZero() && time.Now().After(b.Gone) {
			delete(s.Resolver.Bonds, id)
			delete(s.Resolver.Tags, b.ARN)
		}
	}
	for _, g := range s.AutoScaling.Groups {
		if len(g.Suspended) == 0 {
			g.Suspended = nil
		}
	}
	dropEmpty(s.ELB.Tags)
	dropEmpty(s.Resolver.Tags)
	s.Monitoring.Points = nil
	for _, a := range s.Monitoring.Alarms {
		a.Since = time.Time{}
	}
}

func (e *ec2State) forget() {
	for _, i := range e.Instances {
		i.Is, i.Was, i.At, i.Reboots, i.Reason = i.now(), "", time.Time{}, 0, ""
	}
	for _, a := range e.ACLs {
		for subnet := range a.Subnets {
			a.Subnets[subnet] = "an association"
		}
	}
	dropEmpty(e.Tags)
}

func (r *rdsState) forget() {
	for _, c := range r.Clusters {
		c.Writer, c.Next, c.At = "one of them", "", time.Time{}
	}
	for _, i := range r.Instances {
		if i.Standby != "" {
			i.Zone, i.Standby = "one of two", "the other"
		}
		i.Swaps, i.At = false, time.Time{}
	}
	dropEmpty(r.Tags)
}

func (c *cacheState) forget() {
	c.Events = nil
	for _, g := range c.Groups {
		g.At = time.Time{}
		for _, n := range g.Shards {
			n.Primary, n.Next = 0, 0
		}
	}
}

func (r *route53State) forget() {
	r.Changes = nil
	for _, h := range r.Checks {
		h.Version = 0
	}
	dropEmpty(r.Tags)
}

func (f *failoverState) forget() {
	for _, p := range f.Plans {
		p.Executions = nil
	}
	for _, g := range f.Databases {
		g.settle()
		g.At = time.Time{}
	}
}

// dropEmpty forgets that something once had tags.
func dropEmpty(tags map[string]map[string]string) {
	for k, v := range tags {
		if len(v) == 0 {
			delete(tags, k)
		}
	}
}
