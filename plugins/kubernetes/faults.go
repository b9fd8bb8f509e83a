package kubernetes

import "github.com/gameday-toolkit/gameday/plugins/sdk"

// faults are those of the plugin: what a fault is called in a scenario, and the function that describes it.
func (p *provider) faults() map[string]sdk.Fault {
	return map[string]sdk.Fault{
		"kubernetes_pod_kill":       &fault[taken]{p, podKill()},
		"kubernetes_pod_evict":      &fault[taken]{p, podEvict()},
		"kubernetes_pressure":       &fault[pressed]{p, podPressure()},
		"kubernetes_node_cordon":    &fault[nothing]{p, nodeCordon()},
		"kubernetes_node_drain":     &fault[emptied]{p, nodeDrain()},
		"kubernetes_node_taint":     &fault[nothing]{p, nodeTaint()},
		"kubernetes_zone_outage":    &fault[emptied]{p, zoneOutage()},
		"kubernetes_scale":          &fault[scaled]{p, scale()},
		"kubernetes_quota":          &fault[exhausted]{p, quota()},
		"kubernetes_api_throttling": &fault[throttled]{p, throttling()},
		"kubernetes_partition":      &fault[parted]{p, partition()},
		"kubernetes_zone_isolation": &fault[parted]{p, zoneIsolation()},
		"kubernetes_dns":            &fault[misnamed]{p, dnsFailure()},
		"kubernetes_image_pull":     &fault[unpulled]{p, imagePull()},
	}
}
