package awsfake

import (
	"net/http"
	"strings"
	"time"
)

// fisState is what the Fault Injection Service keeps in a region.
type fisState struct {
	Templates   map[string]*fisTemplate
	Experiments map[string]*fisExperiment
}

// fisTemplate is one as the wire has it.
type fisTemplate struct {
	ID             string               `json:"id"`
	ARN            string               `json:"arn"`
	Description    string               `json:"description"`
	RoleARN        string               `json:"roleArn"`
	Actions        map[string]fisAction `json:"actions"`
	Targets        map[string]fisTarget `json:"targets"`
	StopConditions []fisStop            `json:"stopConditions"`
	Tags           map[string]string    `json:"tags"`
}

type fisAction struct {
	ActionID   string            `json:"actionId"`
	Parameters map[string]string `json:"parameters,omitempty"`
	Targets    map[string]string `json:"targets,omitempty"`
	StartAfter []string          `json:"startAfter,omitempty"`
	State      *fisStatus        `json:"state,omitempty"`
}

type fisTarget struct {
	ResourceType  string            `json:"resourceType"`
	ResourceArns  []string          `json:"resourceArns,omitempty"`
	ResourceTags  map[string]string `json:"resourceTags,omitempty"`
	SelectionMode string            `json:"selectionMode"`
}

type fisStop struct {
	Source string `json:"source"`
	Value  string `json:"value,omitempty"`
}

type fisStatus struct {
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
}

type fisExperiment struct {
	ID, ARN, Template, Token string
	Created, Runs            time.Time
	Ends                     time.Time // by its own clock
	Stopped                  time.Time // when it will have been stopped; zero: nobody stops it
	Why                      string    // why it was stopped
	Failed                   bool
	Tags                     map[string]string
}

func newFIS() fisState {
	return fisState{map[string]*fisTemplate{}, map[string]*fisExperiment{}}
}

func fisOperations() map[string]handler {
	return map[string]handler{
		"CreateExperimentTemplate": createTemplateFIS, "GetExperimentTemplate": getTemplateFIS, "DeleteExperimentTemplate": deleteTemplateFIS,
		"StartExperiment": startExperiment, "GetExperiment": getExperiment, "ListExperiments": listExperiments, "StopExperiment": stopExperiment,
	}
}

func fisRoutes() []route {
	return []route{
		{restJSON, http.MethodPost, "/experimentTemplates", "CreateExperimentTemplate"}, {restJSON, http.MethodGet, "/experimentTemplates/*", "GetExperimentTemplate"},
		{restJSON, http.MethodDelete, "/experimentTemplates/*", "DeleteExperimentTemplate"},
		{restJSON, http.MethodPost, "/experiments", "StartExperiment"}, {restJSON, http.MethodGet, "/experiments", "ListExperiments"},
		{restJSON, http.MethodGet, "/experiments/*", "GetExperiment"}, {restJSON, http.MethodDelete, "/experiments/*", "StopExperiment"},
	}
}

func notFoundFIS(what, id string) *Error {
	return &Error{"ResourceNotFoundException", what + " " + id + " does not exist.", http.StatusNotFound}
}

func createTemplateFIS(c *call) (any, error) {
	var t fisTemplate
	if err := c.decode(&t); err != nil {
		return nil, err
	}
	t.ID = strings.ToUpper(strings.ReplaceAll(c.server.newID("EXT"), "-", ""))
	t.ARN = "arn:aws:fis:" + c.region + ":" + Account + ":experiment-template/" + t.ID
	c.state.FIS.Templates[t.ID] = &t
	return map[string]any{"experimentTemplate": t}, nil
}

func getTemplateFIS(c *call) (any, error) {
	t := c.state.FIS.Templates[c.pathElements[0]]
	if t == nil {
		return nil, notFoundFIS("Experiment template", c.pathElements[0])
	}
	return map[string]any{"experimentTemplate": t}, nil
}

func deleteTemplateFIS(c *call) (any, error) {
	t := c.state.FIS.Templates[c.pathElements[0]]
	if t == nil {
		return nil, notFoundFIS("Experiment template", c.pathElements[0])
	}
	delete(c.state.FIS.Templates, t.ID)
	return map[string]any{"experimentTemplate": t}, nil
}

// length is how long the template's longest action lasts, of PT5M or PT3S.
func (t *fisTemplate) length() time.Duration {
	var out time.Duration
	for _, a := range t.Actions {
		if d, err := time.ParseDuration(strings.ToLower(strings.TrimPrefix(a.Parameters["duration"], "PT"))); err == nil {
			out = max(out, d)
		}
	}
	return out
}

func startExperiment(c *call) (any, error) {
	var in struct {
		ClientToken          string            `json:"clientToken"`
		ExperimentTemplateID string            `json:"experimentTemplateId"`
		Tags                 map[string]string `json:"tags"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	t := c.state.FIS.Templates[in.ExperimentTemplateID]
	if t == nil {
		return nil, notFoundFIS("Experiment template", in.ExperimentTemplateID)
	}
	for _, e := range c.state.FIS.Experiments {
		if e.Token == in.ClientToken {
			return map[string]any{"experiment": c.experiment(e)}, nil
		}
	}
	id := strings.ToUpper(strings.ReplaceAll(c.server.newID("EXP"), "-", ""))
	e := &fisExperiment{ID: id, ARN: "arn:aws:fis:" + c.region + ":" + Account + ":experiment/" + id, Template: t.ID, Token: in.ClientToken, Created: time.Now(), Runs: c.server.when(), Tags: in.Tags}
	e.Ends = e.Runs.Add(t.length())
	c.state.FIS.Experiments[id] = e
	return map[string]any{"experiment": c.experiment(e)}, nil
}

// status is how the experiment is now, and how its actions are.
func (e *fisExperiment) status() (whole, actions fisStatus) {
	now := time.Now()
	switch {
	case !e.Stopped.IsZero() && now.Before(e.Stopped):
		return fisStatus{"stopping", e.Why}, fisStatus{Status: "stopping"}
	case !e.Stopped.IsZero() && e.Failed:
		return fisStatus{"failed", e.Why}, fisStatus{Status: "failed"}
	case !e.Stopped.IsZero():
		return fisStatus{"stopped", e.Why}, fisStatus{Status: "stopped"}
	case now.Before(e.Runs):
		return fisStatus{"initiating", "Experiment is initiating."}, fisStatus{Status: "pending"}
	case now.Before(e.Ends):
		return fisStatus{"running", "Experiment is running."}, fisStatus{Status: "running"}
	}
	return fisStatus{"completed", "Experiment completed."}, fisStatus{Status: "completed"}
}

func (c *call) experiment(e *fisExperiment) map[string]any {
	whole, each := e.status()
	actions := map[string]fisAction{}
	if t := c.state.FIS.Templates[e.Template]; t != nil {
		for name, a := range t.Actions {
			a.State = &each
			actions[name] = a
		}
	}
	return map[string]any{
		"id": e.ID, "arn": e.ARN, "experimentTemplateId": e.Template, "state": whole, "actions": actions, "tags": e.Tags,
		"creationTime": float64(e.Created.UnixMilli()) / 1000,
	}
}

func (c *call) experimentAt() (*fisExperiment, error) {
	e := c.state.FIS.Experiments[c.pathElements[0]]
	if e == nil {
		return nil, notFoundFIS("Experiment", c.pathElements[0])
	}
	return e, nil
}

func getExperiment(c *call) (any, error) {
	e, err := c.experimentAt()
	if err != nil {
		return nil, err
	}
	return map[string]any{"experiment": c.experiment(e)}, nil
}

func listExperiments(c *call) (any, error) {
	q := c.request.URL.Query()
	var all []map[string]any
	for _, e := range ordered(c.state.FIS.Experiments) {
		if of := q.Get("experimentTemplateId"); of == "" || of == e.Template {
			whole, _ := e.status()
			all = append(all, map[string]any{"id": e.ID, "arn": e.ARN, "experimentTemplateId": e.Template, "state": whole, "tags": e.Tags, "creationTime": float64(e.Created.UnixMilli()) / 1000})
		}
	}
	some, next, err := page(all, q.Get("nextToken"), c.query("maxResults", 20))
	out := map[string]any{"experiments": append([]map[string]any{}, some...)}
	if next != "" {
		out["nextToken"] = next
	}
	return out, err
}

func stopExperiment(c *call) (any, error) {
	e, err := c.experimentAt()
	if err != nil {
		return nil, err
	}
	if whole, _ := e.status(); whole.Status != "running" && whole.Status != "initiating" && whole.Status != "stopping" {
		return nil, &Error{"ConflictException", "The experiment " + e.ID + " has ended.", http.StatusConflict}
	}
	if e.Stopped.IsZero() {
		e.Stopped, e.Why = c.server.when(), "Experiment stopped by user."
	}
	return map[string]any{"experiment": c.experiment(e)}, nil
}

// StopByCondition ends every experiment that runs in a region, as an alarm would.
func (s *Server) StopByCondition(region, alarm string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.region(region).now.FIS.Experiments {
		if whole, _ := e.status(); whole.Status == "running" {
			e.Stopped, e.Failed, e.Why = s.when(), true, "Experiment failed. Stop condition "+alarm+" was triggered."
		}
	}
}
