package awsfake

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// state is everything that exists in one region. It is copied through JSON, so every field is exported.
type state struct {
	EC2         ec2State
	AutoScaling autoscalingState
	ELB         elbState
	Shifts      shiftState
	RDS         rdsState
	Cache       cacheState
	Route53     route53State
	Resolver    resolverState
	dataState
	FIS      fisState
	Failover failoverState
}

// operations are all calls that are answered, by service (as in a signature's scope) and name.
func operations() map[string]map[string]handler {
	out := map[string]map[string]handler{
		"sts": stsOperations(), "ec2": ec2Operations(), "iam": iamOperations(),
		"autoscaling": autoscalingOperations(), "elasticloadbalancing": elbOperations(), "arc-zonal-shift": shiftOperations(),
		"rds": rdsOperations(), "elasticache": cacheOperations(),
		"route53": route53Operations(), "route53resolver": resolverOperations(), "fis": fisOperations(),
		"route53-recovery-cluster": routingControlOperations(), "arc-region-switch": regionSwitchOperations(),
	}
	maps.Copy(out, dataOperations())
	return out
}

func newState(region string) *state {
	return &state{
		EC2:         newEC2(region),
		AutoScaling: autoscalingState{map[string]*group{}},
		ELB:         elbState{map[string]*balancer{}, map[string]map[string]string{}, map[string]*targetGroup{}},
		Shifts:      shiftState{map[string]*shift{}},
		RDS:         newRDS(), Cache: newCache(),
		Route53:  newRoute53(),
		Resolver: newResolver(), FIS: newFIS(), Failover: newFailover(), dataState: newData(),
	}
}

// home is the region whose state a service keeps everything in, where what it has belongs to no region.
func home(service, region string) string {
	switch service {
	case "route53":
		return "us-east-1"
	}
	return region
}

// region is a place with its present, and its past for as long as some reads may still show it.
type region struct {
	name string
	now  *state
	past []moment
}

type moment struct {
	until time.Time // when the state stopped being the present
	state *state
}

// keep remembers the present before it changes.
func (r *region) keep() error {
	b, err := json.Marshal(r.now)
	if err != nil {
		return fmt.Errorf("copying the state: %w", err)
	}
	old := &state{}
	if err := json.Unmarshal(b, old); err != nil {
		return fmt.Errorf("copying the state: %w", err)
	}
	r.past = append(r.past, moment{time.Now(), old})
	return nil
}

// seen is what a read sees that lags by some time.
func (r *region) seen(lag time.Duration) *state {
	for len(r.past) > 0 && time.Since(r.past[0].until) >= lag {
		r.past = r.past[1:]
	}
	if len(r.past) > 0 {
		return r.past[0].state
	}
	return r.now
}
