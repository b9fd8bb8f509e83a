package awsfake

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// route53State is what Route 53 keeps. It belongs to no region: see homes.
type route53State struct {
	Zones   map[string]*hostedZone
	Checks  map[string]*healthCheck
	Changes map[string]time.Time // when each is known everywhere
	// Tags of hosted zones and of health checks, by "hostedzone/ID" and "healthcheck/ID".
	Tags map[string]map[string]string
}

type hostedZone struct {
	ID, Name, Caller string
	Private          bool
	Records          []*recordSet
}

// recordSet is one as the wire has it.
type recordSet struct {
	Name             string
	Type             string
	SetIdentifier    string       `xml:",omitempty"`
	Weight           *int64       `xml:",omitempty"`
	Region           string       `xml:",omitempty"`
	GeoLocation      *geoLocation `xml:",omitempty"`
	Failover         string       `xml:",omitempty"`
	MultiValueAnswer *bool        `xml:",omitempty"`
	TTL              *int64       `xml:",omitempty"`
	ResourceRecords  *values53    `xml:",omitempty"`
	AliasTarget      *aliasTarget `xml:",omitempty"`
	HealthCheckId    string       `xml:",omitempty"`
}

type geoLocation struct {
	ContinentCode   string `xml:",omitempty"`
	CountryCode     string `xml:",omitempty"`
	SubdivisionCode string `xml:",omitempty"`
}

type values53 struct {
	ResourceRecord []struct{ Value string }
}

type aliasTarget struct {
	HostedZoneId         string
	DNSName              string
	EvaluateTargetHealth bool
}

func newRoute53() route53State {
	return route53State{map[string]*hostedZone{}, map[string]*healthCheck{}, map[string]time.Time{}, map[string]map[string]string{}}
}

func route53Operations() map[string]handler {
	out := map[string]handler{
		"CreateHostedZone": createHostedZone, "GetHostedZone": getHostedZone, "DeleteHostedZone": deleteHostedZone, "ListHostedZones": listHostedZones,
		"ListResourceRecordSets": listRecords, "ChangeResourceRecordSets": changeRecords, "GetChange": getChange,
		"ChangeTagsForResource": changeTags53, "ListTagsForResource": listTags53, "ListTagsForResources": listManyTags53,
	}
	maps.Copy(out, healthCheckOperations())
	return out
}

func route53Routes() []route {
	get, post, del := http.MethodGet, http.MethodPost, http.MethodDelete
	return []route{
		{restXML, post, "/2013-04-01/hostedzone", "CreateHostedZone"}, {restXML, get, "/2013-04-01/hostedzone", "ListHostedZones"},
		{restXML, get, "/2013-04-01/hostedzone/*", "GetHostedZone"}, {restXML, del, "/2013-04-01/hostedzone/*", "DeleteHostedZone"},
		{restXML, get, "/2013-04-01/hostedzone/*/rrset", "ListResourceRecordSets"}, {restXML, post, "/2013-04-01/hostedzone/*/rrset", "ChangeResourceRecordSets"},
		{restXML, get, "/2013-04-01/change/*", "GetChange"},
		{restXML, post, "/2013-04-01/healthcheck", "CreateHealthCheck"}, {restXML, get, "/2013-04-01/healthcheck", "ListHealthChecks"},
		{restXML, get, "/2013-04-01/healthcheck/*", "GetHealthCheck"}, {restXML, post, "/2013-04-01/healthcheck/*", "UpdateHealthCheck"},
		{restXML, del, "/2013-04-01/healthcheck/*", "DeleteHealthCheck"},
		{restXML, post, "/2013-04-01/tags/*/*", "ChangeTagsForResource"}, {restXML, get, "/2013-04-01/tags/*/*", "ListTagsForResource"},
		{restXML, post, "/2013-04-01/tags/*", "ListTagsForResources"},
	}
}

// decodeXML reads a body of XML.
func (c *call) decodeXML(v any) error {
	if err := xml.Unmarshal(c.body, v); err != nil {
		return failf("MalformedInput", "%v", err)
	}
	return nil
}

func (c *call) zone() (*hostedZone, error) {
	id := c.pathElements[0]
	z := c.state.Route53.Zones[id]
	if z == nil {
		return nil, &Error{"NoSuchHostedZone", "No hosted zone found with ID: " + id, http.StatusNotFound}
	}
	return z, nil
}

type zoneItem53 struct {
	XMLName         xml.Name `xml:"HostedZone"`
	Id              string
	Name            string
	CallerReference string
	Config          struct{ PrivateZone bool }
	Count           int `xml:"ResourceRecordSetCount"`
}

func (z *hostedZone) item() zoneItem53 {
	out := zoneItem53{Id: "/hostedzone/" + z.ID, Name: z.Name, CallerReference: z.Caller, Count: len(z.Records)}
	out.Config.PrivateZone = z.Private
	return out
}

// answer53 is the root element of an answer, with the parts in it.
type answer53 struct {
	XMLName xml.Name
	Parts   []any
}

func answered53(name string, parts ...any) answer53 {
	return answer53{xml.Name{Local: name, Space: namespace("route53")}, parts}
}

type changeInfo struct {
	XMLName     xml.Name `xml:"ChangeInfo"`
	Id, Status  string
	SubmittedAt time.Time
}

// changing begins a change.
func (c *call) changing() changeInfo {
	id := strings.ToUpper(strings.ReplaceAll(c.server.newID("C"), "-", ""))
	c.state.Route53.Changes[id] = c.server.when()
	return changeInfo{Id: "/change/" + id, Status: "PENDING", SubmittedAt: time.Now().UTC()}
}

func getChange(c *call) (any, error) {
	due, ok := c.state.Route53.Changes[c.pathElements[0]]
	if !ok {
		return nil, &Error{"NoSuchChange", "A change with the specified change ID does not exist.", http.StatusNotFound}
	}
	out := changeInfo{Id: "/change/" + c.pathElements[0], Status: "PENDING", SubmittedAt: due.UTC()}
	if time.Now().After(due) {
		out.Status = "INSYNC"
	}
	return answered53("GetChangeResponse", out), nil
}

func createHostedZone(c *call) (any, error) {
	var in struct {
		Name, CallerReference string
		HostedZoneConfig      struct{ PrivateZone bool }
	}
	if err := c.decodeXML(&in); err != nil {
		return nil, err
	}
	id := strings.ToUpper(strings.ReplaceAll(c.server.newID("Z"), "-", ""))
	z := c.newZone(id, in.Name)
	z.Caller, z.Private = in.CallerReference, in.HostedZoneConfig.PrivateZone
	return answered53("CreateHostedZoneResponse", z.item(), c.changing()), nil
}

func (c *call) newZone(id, name string) *hostedZone {
	z := newZone(id, name)
	c.state.Route53.Zones[id] = z
	return z
}

// newZone has the records that make a zone.
func newZone(id, name string) *hostedZone {
	name = strings.TrimSuffix(name, ".") + "."
	z := &hostedZone{ID: id, Name: name, Caller: id}
	for typ, value := range map[string]string{"NS": "ns-1.awsdns-00.org.", "SOA": "ns-1.awsdns-00.org. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"} {
		z.Records = append(z.Records, simpleRecord(name, typ, 900, value))
	}
	z.sort()
	return z
}

func simpleRecord(name, typ string, ttl int64, values ...string) *recordSet {
	out := &recordSet{Name: name, Type: typ, TTL: &ttl, ResourceRecords: &values53{}}
	for _, v := range values {
		out.ResourceRecords.ResourceRecord = append(out.ResourceRecords.ResourceRecord, struct{ Value string }{v})
	}
	return out
}

func getHostedZone(c *call) (any, error) {
	z, err := c.zone()
	if err != nil {
		return nil, err
	}
	return answered53("GetHostedZoneResponse", z.item()), nil
}

func deleteHostedZone(c *call) (any, error) {
	z, err := c.zone()
	if err != nil {
		return nil, err
	}
	if len(z.Records) > 2 {
		return nil, failf("HostedZoneNotEmpty", "The specified hosted zone contains non-required resource record sets and so cannot be deleted.")
	}
	delete(c.state.Route53.Zones, z.ID)
	delete(c.state.Route53.Tags, "hostedzone/"+z.ID)
	return answered53("DeleteHostedZoneResponse", c.changing()), nil
}

type zoneList struct {
	XMLName     xml.Name     `xml:"ListHostedZonesResponse"`
	HostedZones []zoneItem53 `xml:"HostedZones>HostedZone"`
	IsTruncated bool
	NextMarker  string `xml:",omitempty"`
	MaxItems    int
}

func listHostedZones(c *call) (any, error) {
	out := zoneList{MaxItems: c.query("maxitems", 100)}
	some, next, err := page(ordered(c.state.Route53.Zones), c.request.URL.Query().Get("marker"), out.MaxItems)
	if err != nil {
		return nil, err
	}
	for _, z := range some {
		out.HostedZones = append(out.HostedZones, z.item())
	}
	out.IsTruncated, out.NextMarker = next != "", next
	return out, nil
}

// query is a number in the URL.
func (c *call) query(name string, otherwise int) int {
	n, err := strconv.Atoi(c.request.URL.Query().Get(name))
	if err != nil {
		return otherwise
	}
	return n
}

// place orders records as Route 53 does: by the labels of the name from the last to the first, then by type and set.
func (r *recordSet) place() string { return place53(r.Name, r.Type, r.SetIdentifier) }

func place53(name, typ, set string) string {
	labels := strings.Split(strings.TrimSuffix(strings.ToLower(name), "."), ".")
	slices.Reverse(labels)
	return strings.Join(labels, ".") + " " + typ + " " + set
}

func (z *hostedZone) sort() {
	slices.SortFunc(z.Records, func(a, b *recordSet) int { return strings.Compare(a.place(), b.place()) })
}

type recordList struct {
	XMLName              xml.Name     `xml:"ListResourceRecordSetsResponse"`
	Records              []*recordSet `xml:"ResourceRecordSets>ResourceRecordSet"`
	IsTruncated          bool
	NextRecordName       string `xml:",omitempty"`
	NextRecordType       string `xml:",omitempty"`
	NextRecordIdentifier string `xml:",omitempty"`
	MaxItems             int
}

func listRecords(c *call) (any, error) {
	z, err := c.zone()
	if err != nil {
		return nil, err
	}
	q := c.request.URL.Query()
	from := strings.TrimRight(place53(q.Get("name"), q.Get("type"), q.Get("identifier")), " ")
	out := recordList{MaxItems: c.query("maxitems", 100)}
	for _, r := range z.Records {
		switch {
		case q.Get("name") != "" && r.place() < from:
		case len(out.Records) < out.MaxItems:
			out.Records = append(out.Records, r)
		case !out.IsTruncated:
			out.IsTruncated, out.NextRecordName, out.NextRecordType, out.NextRecordIdentifier = true, r.Name, r.Type, r.SetIdentifier
		}
	}
	return out, nil
}

// changeRecords carries a batch out, or nothing of it.
func changeRecords(c *call) (any, error) {
	z, err := c.zone()
	if err != nil {
		return nil, err
	}
	var in struct {
		Changes []struct {
			Action string
			Set    recordSet `xml:"ResourceRecordSet"`
		} `xml:"ChangeBatch>Changes>Change"`
	}
	if err := c.decodeXML(&in); err != nil {
		return nil, err
	}
	after := &hostedZone{ID: z.ID, Name: z.Name, Caller: z.Caller, Private: z.Private, Records: slices.Clone(z.Records)}
	for _, change := range in.Changes {
		change.Set.Name = listedName(change.Set.Name)
		if why := after.apply(change.Action, &change.Set); why != "" {
			return nil, failf("InvalidChangeBatch", "[Tried to %s resource record set [name='%s', type='%s'] %s]", strings.ToLower(change.Action), change.Set.Name, change.Set.Type, why)
		}
	}
	after.sort()
	if why := after.wrong(); why != "" {
		return nil, failf("InvalidChangeBatch", "[%s]", why)
	}
	c.state.Route53.Zones[z.ID] = after
	return answered53("ChangeResourceRecordSetsResponse", c.changing()), nil
}

// listedName is how a name is listed, however it was given.
func listedName(name string) string {
	name = strings.ToLower(strings.TrimSuffix(name, ".")) + "."
	if rest, ok := strings.CutPrefix(name, "*."); ok {
		return `\052.` + rest
	}
	return name
}

func (z *hostedZone) apply(action string, set *recordSet) (why string) {
	i := slices.IndexFunc(z.Records, func(r *recordSet) bool { return r.place() == set.place() })
	switch {
	case !strings.HasSuffix("."+set.Name, "."+z.Name):
		return "but it is not in the zone"
	case action == "CREATE" && i >= 0:
		return "but it already exists"
	case action == "DELETE" && i < 0:
		return "but it was not found"
	case action == "DELETE" && !same53(z.Records[i], set):
		return "but the values provided do not match the current values"
	case action == "DELETE":
		z.Records = slices.Delete(z.Records, i, i+1)
	case i >= 0:
		z.Records[i] = set
	default:
		z.Records = append(z.Records, set)
	}
	return ""
}

func same53(a, b *recordSet) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// wrong says what cannot stand beside each other in a zone.
func (z *hostedZone) wrong() string {
	for i, r := range z.Records[:max(0, len(z.Records)-1)] {
		next := z.Records[i+1]
		if r.Name != next.Name {
			continue
		}
		if r.Type != next.Type && (r.Type == "CNAME" || next.Type == "CNAME") {
			return fmt.Sprintf("RRSet of type CNAME with DNS name %s is not permitted as it conflicts with other records with the same DNS name in zone %s", r.Name, z.Name)
		}
		if r.Type == next.Type && (r.SetIdentifier == "") != (next.SetIdentifier == "") {
			return fmt.Sprintf("RRSet with DNS name %s, type %s, cannot be created as a non-weighted set exists with the same name and type.", r.Name, r.Type)
		}
	}
	return ""
}

type tags53 struct {
	XMLName      xml.Name `xml:"ResourceTagSet"`
	ResourceType string
	ResourceId   string
	Tags         []pair53 `xml:"Tags>Tag"`
}

type pair53 struct{ Key, Value string }

func (c *call) tags53(typ, id string) (tags53, error) {
	r := &c.state.Route53
	if typ == "hostedzone" && r.Zones[id] == nil || typ == "healthcheck" && r.Checks[id] == nil {
		return tags53{}, &Error{map[string]string{"hostedzone": "NoSuchHostedZone", "healthcheck": "NoSuchHealthCheck"}[typ], "There is none with the ID " + id, http.StatusNotFound}
	}
	out := tags53{ResourceType: typ, ResourceId: id}
	for _, k := range slices.Sorted(maps.Keys(r.Tags[typ+"/"+id])) {
		out.Tags = append(out.Tags, pair53{k, r.Tags[typ+"/"+id][k]})
	}
	return out, nil
}

func listTags53(c *call) (any, error) {
	out, err := c.tags53(c.pathElements[0], c.pathElements[1])
	return answered53("ListTagsForResourceResponse", out), err
}

func listManyTags53(c *call) (any, error) {
	var in struct {
		IDs []string `xml:"ResourceIds>ResourceId"`
	}
	if err := c.decodeXML(&in); err != nil {
		return nil, err
	}
	if len(in.IDs) > 10 {
		return nil, failf("InvalidInput", "A list of resource IDs has at most 10")
	}
	out := struct {
		XMLName xml.Name `xml:"ListTagsForResourcesResponse"`
		Sets    []tags53 `xml:"ResourceTagSets>ResourceTagSet"`
	}{}
	for _, id := range in.IDs {
		one, err := c.tags53(c.pathElements[0], id)
		if err != nil {
			return nil, err
		}
		out.Sets = append(out.Sets, one)
	}
	return out, nil
}

// mostTags53 is how many tags a hosted zone or a health check may have.
const mostTags53 = 10

func changeTags53(c *call) (any, error) {
	typ, id := c.pathElements[0], c.pathElements[1]
	var in struct {
		Add    []pair53 `xml:"AddTags>Tag"`
		Remove []string `xml:"RemoveTagKeys>Key"`
	}
	if err := c.decodeXML(&in); err != nil {
		return nil, err
	}
	if _, err := c.tags53(typ, id); err != nil {
		return nil, err
	}
	tags := maps.Clone(c.state.Route53.Tags[typ+"/"+id])
	if tags == nil {
		tags = map[string]string{}
	}
	for _, k := range in.Remove {
		delete(tags, k)
	}
	for _, p := range in.Add {
		if len(p.Value) > 256 || len(p.Key) > 128 {
			return nil, failf("InvalidInput", "The tag %s is too long", p.Key)
		}
		tags[p.Key] = p.Value
	}
	if len(tags) > mostTags53 {
		return nil, failf("InvalidInput", "The resource has too many tags")
	}
	c.state.Route53.Tags[typ+"/"+id] = tags
	return answered53("ChangeTagsForResourceResponse"), nil
}
