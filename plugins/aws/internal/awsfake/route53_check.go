package awsfake

import (
	"encoding/xml"
	"net/http"
)

type healthCheck struct {
	ID, Caller string
	Version    int64
	Config     checkConfig
}

type checkConfig struct {
	XMLName                  xml.Name `xml:"HealthCheckConfig" json:"-"`
	Type                     string
	IPAddress                string `xml:",omitempty"`
	Port                     *int32 `xml:",omitempty"`
	ResourcePath             string `xml:",omitempty"`
	FullyQualifiedDomainName string `xml:",omitempty"`
	RequestInterval          *int32 `xml:",omitempty"`
	FailureThreshold         *int32 `xml:",omitempty"`
	Inverted                 bool
	Disabled                 bool
}

func healthCheckOperations() map[string]handler {
	return map[string]handler{
		"CreateHealthCheck": createCheck, "GetHealthCheck": getCheck, "UpdateHealthCheck": updateCheck, "DeleteHealthCheck": deleteCheck, "ListHealthChecks": listChecks,
	}
}

type checkItem struct {
	XMLName            xml.Name `xml:"HealthCheck"`
	Id                 string
	CallerReference    string
	HealthCheckConfig  checkConfig
	HealthCheckVersion int64
}

func (h *healthCheck) item() checkItem {
	return checkItem{Id: h.ID, CallerReference: h.Caller, HealthCheckConfig: h.Config, HealthCheckVersion: h.Version}
}

func (c *call) check() (*healthCheck, error) {
	h := c.state.Route53.Checks[c.pathElements[0]]
	if h == nil {
		return nil, &Error{"NoSuchHealthCheck", "A health check with id " + c.pathElements[0] + " does not exist.", http.StatusNotFound}
	}
	return h, nil
}

func createCheck(c *call) (any, error) {
	var in struct {
		CallerReference   string
		HealthCheckConfig checkConfig
	}
	if err := c.decodeXML(&in); err != nil {
		return nil, err
	}
	h := &healthCheck{ID: c.server.newID("check"), Caller: in.CallerReference, Version: 1, Config: in.HealthCheckConfig}
	c.state.Route53.Checks[h.ID] = h
	return answered53("CreateHealthCheckResponse", h.item()), nil
}

func getCheck(c *call) (any, error) {
	h, err := c.check()
	if err != nil {
		return nil, err
	}
	return answered53("GetHealthCheckResponse", h.item()), nil
}

// updateCheck changes what is given, unless the check has changed since the version that is given.
func updateCheck(c *call) (any, error) {
	h, err := c.check()
	if err != nil {
		return nil, err
	}
	var in struct {
		HealthCheckVersion *int64
		Inverted, Disabled *bool
		FailureThreshold   *int32
	}
	if err := c.decodeXML(&in); err != nil {
		return nil, err
	}
	if in.HealthCheckVersion != nil && *in.HealthCheckVersion != h.Version {
		return nil, &Error{"HealthCheckVersionMismatch", "The value of HealthCheckVersion in the request doesn't match the value of HealthCheckVersion in the health check.", http.StatusConflict}
	}
	if in.Inverted != nil {
		h.Config.Inverted = *in.Inverted
	}
	if in.Disabled != nil {
		h.Config.Disabled = *in.Disabled
	}
	if in.FailureThreshold != nil {
		h.Config.FailureThreshold = in.FailureThreshold
	}
	h.Version++
	return answered53("UpdateHealthCheckResponse", h.item()), nil
}

func deleteCheck(c *call) (any, error) {
	h, err := c.check()
	if err != nil {
		return nil, err
	}
	delete(c.state.Route53.Checks, h.ID)
	delete(c.state.Route53.Tags, "healthcheck/"+h.ID)
	return answered53("DeleteHealthCheckResponse"), nil
}

func listChecks(c *call) (any, error) {
	out := struct {
		XMLName      xml.Name    `xml:"ListHealthChecksResponse"`
		HealthChecks []checkItem `xml:"HealthChecks>HealthCheck"`
		IsTruncated  bool
		NextMarker   string `xml:",omitempty"`
		MaxItems     int
	}{MaxItems: c.query("maxitems", 100)}
	some, next, err := page(ordered(c.state.Route53.Checks), c.request.URL.Query().Get("marker"), out.MaxItems)
	for _, h := range some {
		out.HealthChecks = append(out.HealthChecks, h.item())
	}
	out.IsTruncated, out.NextMarker = next != "", next
	return out, err
}
