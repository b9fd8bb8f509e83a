package awsfake

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// shiftState is what ARC keeps of zonal shifts in a region.
type shiftState struct {
	Shifts map[string]*shift
}

type shift struct {
	ID, Resource, AwayFrom, Comment string
	Started, Expires                time.Time
	Cancelled                       bool
}

func (s *shift) status() string {
	switch {
	case s.Cancelled:
		return "CANCELED"
	case time.Now().After(s.Expires):
		return "EXPIRED"
	}
	return "ACTIVE"
}

func shiftOperations() map[string]handler {
	return map[string]handler{
		"StartZonalShift": startShift, "UpdateZonalShift": updateShift, "CancelZonalShift": cancelShift,
		"ListZonalShifts": listShifts, "GetManagedResource": getManagedResource,
	}
}

func shiftRoutes() []route {
	return []route{
		{restJSON, http.MethodPost, "/zonalshifts", "StartZonalShift"},
		{restJSON, http.MethodGet, "/zonalshifts", "ListZonalShifts"},
		{restJSON, http.MethodPatch, "/zonalshifts/*", "UpdateZonalShift"},
		{restJSON, http.MethodDelete, "/zonalshifts/*", "CancelZonalShift"},
		{restJSON, http.MethodGet, "/managedresources/*", "GetManagedResource"},
	}
}

// managed says whether a resource takes part in zonal shifts: a load balancer does if its attribute says so.
func (c *call) managed(arn string) error {
	b := c.state.ELB.Balancers[arn]
	if b == nil || b.Attributes["zonal_shift.config.enabled"] != "true" {
		return &Error{"ResourceNotFoundException", "The resource " + arn + " was not found or is not registered for zonal shift.", http.StatusNotFound}
	}
	return nil
}

type shiftItem struct {
	ID       string  `json:"zonalShiftId"`
	Resource string  `json:"resourceIdentifier"`
	AwayFrom string  `json:"awayFrom"`
	Comment  string  `json:"comment"`
	Status   string  `json:"status,omitempty"`
	Started  float64 `json:"startTime"`
	Expires  float64 `json:"expiryTime"`
	Applied  string  `json:"appliedStatus,omitempty"`
}

func (s *shift) item() shiftItem {
	return shiftItem{s.ID, s.Resource, s.AwayFrom, s.Comment, s.status(), float64(s.Started.Unix()), float64(s.Expires.Unix()), ""}
}

type shiftRequest struct {
	Resource  string `json:"resourceIdentifier"`
	AwayFrom  string `json:"awayFrom"`
	Comment   string `json:"comment"`
	ExpiresIn string `json:"expiresIn"`
}

// until reads 3m and 2h, and nothing else.
func until(in string) (time.Time, error) {
	unit := map[bool]time.Duration{strings.HasSuffix(in, "m"): time.Minute, strings.HasSuffix(in, "h"): time.Hour}[true]
	n, err := strconv.Atoi(strings.TrimRight(in, "mh"))
	if err != nil || unit == 0 || n < 1 || time.Duration(n)*unit > 72*time.Hour {
		return time.Time{}, failf("ValidationException", "The expiry time %q is not valid.", in)
	}
	return time.Now().Add(time.Duration(n) * unit), nil
}

func startShift(c *call) (any, error) {
	var in shiftRequest
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := c.managed(in.Resource); err != nil {
		return nil, err
	}
	if len(in.Comment) > 128 {
		return nil, failf("ValidationException", "The comment is too long.")
	}
	ends, err := until(in.ExpiresIn)
	if err != nil {
		return nil, err
	}
	for _, s := range c.state.Shifts.Shifts {
		if s.Resource == in.Resource && s.status() == "ACTIVE" {
			return nil, &Error{"ConflictException", "There is an active zonal shift for the resource already.", http.StatusConflict}
		}
	}
	s := &shift{ID: c.server.newID("shift"), Resource: in.Resource, AwayFrom: in.AwayFrom, Comment: in.Comment, Started: time.Now(), Expires: ends}
	c.state.Shifts.Shifts[s.ID] = s
	return s.item(), nil
}

func (c *call) shift() (*shift, error) {
	s := c.state.Shifts.Shifts[c.pathElements[0]]
	if s == nil {
		return nil, &Error{"ResourceNotFoundException", "The zonal shift was not found.", http.StatusNotFound}
	}
	if s.status() != "ACTIVE" {
		return nil, &Error{"ConflictException", "The zonal shift is not active.", http.StatusConflict}
	}
	return s, nil
}

func updateShift(c *call) (any, error) {
	s, err := c.shift()
	if err != nil {
		return nil, err
	}
	var in shiftRequest
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if in.ExpiresIn != "" {
		if s.Expires, err = until(in.ExpiresIn); err != nil {
			return nil, err
		}
	}
	if in.Comment != "" {
		s.Comment = in.Comment
	}
	return s.item(), nil
}

func cancelShift(c *call) (any, error) {
	s, err := c.shift()
	if err != nil {
		return nil, err
	}
	s.Cancelled = true
	return s.item(), nil
}

func listShifts(c *call) (any, error) {
	q := c.request.URL.Query()
	var all []shiftItem
	for _, s := range ordered(c.state.Shifts.Shifts) {
		if (q.Get("status") == "" || q.Get("status") == s.status()) && (q.Get("resourceIdentifier") == "" || q.Get("resourceIdentifier") == s.Resource) {
			all = append(all, s.item())
		}
	}
	some, next, err := page(all, q.Get("nextToken"), 2)
	out := map[string]any{"items": some}
	if next != "" {
		out["nextToken"] = next
	}
	return out, err
}

func getManagedResource(c *call) (any, error) {
	arn := c.pathElements[0]
	if err := c.managed(arn); err != nil {
		return nil, err
	}
	shifts := []shiftItem{}
	for _, s := range ordered(c.state.Shifts.Shifts) {
		if s.Resource == arn && s.status() == "ACTIVE" {
			one := s.item()
			one.Status, one.Applied = "", "APPLIED"
			shifts = append(shifts, one)
		}
	}
	return map[string]any{"arn": arn, "name": arn, "appliedWeights": map[string]float64{}, "zonalShifts": shifts, "autoshifts": []any{}}, nil
}
