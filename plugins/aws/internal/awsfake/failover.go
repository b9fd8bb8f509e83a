package awsfake

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// failoverState is what moves a service between regions. It belongs to no region: everybody reads that of us-east-1.
type failoverState struct {
	Databases map[string]*globalDatabase
	Controls  map[string]string // "On" or "Off", by ARN
	Plans     map[string]*switchPlan
}

// globalDatabase has its writer move from Writer to Next when the time has come.
type globalDatabase struct {
	ID           string
	Members      []string
	Writer, Next string
	At           time.Time
}

func (g *globalDatabase) settle() {
	if g.Next != "" && !time.Now().Before(g.At) {
		g.Writer, g.Next = g.Next, ""
	}
}

// switchPlan is a plan of Region switch. Ends is the state in which its executions end.
type switchPlan struct {
	ARN, Ends  string
	Regions    []string
	Executions map[string]*execution
}

type execution struct {
	Target, Action string
	Until          time.Time
}

func newFailover() failoverState {
	return failoverState{map[string]*globalDatabase{}, map[string]string{}, map[string]*switchPlan{}}
}

func (s *Server) failover() *failoverState { return &s.region("us-east-1").now.Failover }

func globalDatabaseOperations() map[string]handler {
	return map[string]handler{
		"DescribeGlobalClusters": describeGlobal, "SwitchoverGlobalCluster": switchoverGlobal, "FailoverGlobalCluster": failoverGlobal,
	}
}

// GlobalDatabase makes an Aurora global database with a cluster in each of the regions. The first one writes.
func (s *Server) GlobalDatabase(id string, regions ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := &globalDatabase{ID: id}
	for _, r := range regions {
		g.Members = append(g.Members, "arn:aws:rds:"+r+":"+Account+":cluster:"+id+"-"+r)
	}
	g.Writer = g.Members[0]
	s.failover().Databases[id] = g
}

type globalMember struct {
	ARN    string `xml:"DBClusterArn"`
	Writer bool   `xml:"IsWriter"`
}

type globalItem struct {
	ID       string         `xml:"GlobalClusterIdentifier"`
	Status   string         `xml:"Status"`
	Failover string         `xml:"FailoverState>Status,omitempty"`
	Members  []globalMember `xml:"GlobalClusterMembers>GlobalClusterMember"`
}

func (g *globalDatabase) item() globalItem {
	g.settle()
	out := globalItem{ID: g.ID, Status: "available"}
	if g.Next != "" {
		out.Status, out.Failover = "failing-over", "failing-over"
	}
	for _, m := range g.Members {
		out.Members = append(out.Members, globalMember{m, m == g.Writer})
	}
	return out
}

func (c *call) globalDatabase() (*globalDatabase, error) {
	g := c.server.failover().Databases[c.str("GlobalClusterIdentifier")]
	if g == nil {
		return nil, &Error{"GlobalClusterNotFoundFault", "Global cluster " + c.str("GlobalClusterIdentifier") + " not found", http.StatusNotFound}
	}
	return g, nil
}

func describeGlobal(c *call) (any, error) {
	g, err := c.globalDatabase()
	if err != nil {
		return nil, err
	}
	return struct {
		Items []globalItem `xml:"GlobalClusters>GlobalClusterMember"`
	}{[]globalItem{g.item()}}, nil
}

func (c *call) moveGlobal() (any, error) {
	g, err := c.globalDatabase()
	if err != nil {
		return nil, err
	}
	g.settle()
	to := c.str("TargetDbClusterIdentifier")
	if g.Next != "" || !slices.Contains(g.Members, to) {
		return nil, failf("InvalidGlobalClusterStateFault", "The global cluster cannot be failed over to %s now.", to)
	}
	g.Next, g.At = to, c.server.when()
	return struct {
		Item globalItem `xml:"GlobalCluster"`
	}{g.item()}, nil
}

func switchoverGlobal(c *call) (any, error) { return c.moveGlobal() }

func failoverGlobal(c *call) (any, error) {
	if !c.flag("AllowDataLoss") {
		return nil, failf("InvalidParameterCombination", "AllowDataLoss or Switchover must be specified.")
	}
	return c.moveGlobal()
}

func routingControlOperations() map[string]handler {
	return map[string]handler{"GetRoutingControlState": getControl, "UpdateRoutingControlStates": updateControls}
}

// RoutingControl makes a routing control.
func (s *Server) RoutingControl(arn, state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failover().Controls[arn] = state
}

func getControl(c *call) (any, error) {
	var in struct{ RoutingControlArn string }
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	state, ok := c.server.failover().Controls[in.RoutingControlArn]
	if !ok {
		return nil, failf("ResourceNotFoundException", "The routing control %s does not exist", in.RoutingControlArn)
	}
	return map[string]string{"RoutingControlArn": in.RoutingControlArn, "RoutingControlState": state}, nil
}

// updateControls has one safety rule, which always asserts that some control is on.
func updateControls(c *call) (any, error) {
	var in struct {
		UpdateRoutingControlStateEntries []struct{ RoutingControlArn, RoutingControlState string }
		SafetyRulesToOverride            []string
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	all := c.server.failover().Controls
	after := map[string]string{}
	for k, v := range all {
		after[k] = v
	}
	for _, e := range in.UpdateRoutingControlStateEntries {
		if _, ok := all[e.RoutingControlArn]; !ok {
			return nil, failf("ResourceNotFoundException", "The routing control %s does not exist", e.RoutingControlArn)
		}
		after[e.RoutingControlArn] = e.RoutingControlState
	}
	on := false
	for _, state := range after {
		on = on || state == "On"
	}
	if !on && len(in.SafetyRulesToOverride) == 0 {
		return nil, &Error{"ConflictException", "The safety rule one-is-on forbids the change", http.StatusConflict}
	}
	for k, v := range after {
		all[k] = v
	}
	return nil, nil
}

func regionSwitchOperations() map[string]handler {
	out := map[string]handler{}
	for name, fn := range map[string]func(*call, tree) (any, error){"GetPlanInRegion": getPlan, "StartPlanExecution": startPlan, "GetPlanExecution": getExecution} {
		out[name] = func(c *call) (any, error) {
			in, err := c.input()
			if err != nil {
				return nil, err
			}
			return fn(c, in)
		}
	}
	return out
}

// SwitchPlan makes a plan of Region switch, and returns its ARN.
func (s *Server) SwitchPlan(name, ends string, regions ...string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	arn := "arn:aws:arc-region-switch::" + Account + ":plan/" + name + ":000000"
	s.failover().Plans[arn] = &switchPlan{ARN: arn, Ends: ends, Regions: regions, Executions: map[string]*execution{}}
	return arn
}

func (c *call) switchPlan(arn string) (*switchPlan, error) {
	if p := c.server.failover().Plans[arn]; p != nil {
		return p, nil
	}
	return nil, &Error{"ResourceNotFoundException", "The plan " + arn + " does not exist", http.StatusNotFound}
}

func getPlan(c *call, in tree) (any, error) {
	p, err := c.switchPlan(in.str("arn"))
	if err != nil {
		return nil, err
	}
	var regions []any
	for _, r := range p.Regions {
		regions = append(regions, r)
	}
	return tree{"plan": tree{"arn": p.ARN, "name": p.ARN[strings.LastIndex(p.ARN, "/")+1:], "regions": regions}}, nil
}

func startPlan(c *call, in tree) (any, error) {
	p, err := c.switchPlan(in.str("planArn"))
	if err != nil {
		return nil, err
	}
	if in.str("action") == "activate" && c.region != in.str("targetRegion") {
		return nil, failf("IllegalArgumentException", "A region is activated by a call in that region")
	}
	id := c.server.newID("execution")
	p.Executions[id] = &execution{in.str("targetRegion"), in.str("action"), c.server.when()}
	return tree{"executionId": id, "plan": p.ARN, "activateRegion": in.str("targetRegion")}, nil
}

func getExecution(c *call, in tree) (any, error) {
	p, err := c.switchPlan(in.str("planArn"))
	if err != nil {
		return nil, err
	}
	e := p.Executions[in.str("executionId")]
	if e == nil {
		return nil, &Error{"ResourceNotFoundException", "There is no such execution", http.StatusNotFound}
	}
	state := "inProgress"
	if !time.Now().Before(e.Until) {
		state = p.Ends
	}
	step := tree{"name": "shift traffic", "status": map[bool]string{true: "failed", false: "completed"}[state == "failed"]}
	return tree{"planArn": p.ARN, "executionId": in.str("executionId"), "executionState": state, "executionAction": e.Action, "executionRegion": e.Target, "stepStates": []any{step}}, nil
}
