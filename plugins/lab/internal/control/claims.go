package control

import "github.com/gameday-toolkit/gameday/plugins/lab/internal/layout"

// Claims are what a fault needs for itself: two faults with a claim in common cannot be there at once.
func Claims(r Record) []string {
	var out []string
	for _, t := range r.Targets {
		switch r.Kind {
		case ZoneOutage:
			out = append(out, "the processes of "+t)
		case RegionOutage:
			for _, zone := range layout.ZonesOf(t) {
				out = append(out, "the processes of "+zone)
			}
		case ZoneIsolation:
			out = append(out, "the network of "+t)
		case ZoneLatency:
			out = append(out, "the latency of "+t)
		case QuotaExhaustion:
			out = append(out, "the quota of "+t)
		case DNSFailure:
			out = append(out, "the name "+t)
		case LinkLatency:
			if !r.Cut {
				out = append(out, "the delay of the link "+t)
			}
		}
	}
	if r.Cut { // a slow link can be cut as well
		out = append(out, "the way over the link "+layout.Link)
	}
	return out
}
