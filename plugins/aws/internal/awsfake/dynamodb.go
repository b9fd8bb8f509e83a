package awsfake

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// dynamoState is what DynamoDB keeps for a region. Scaled are the tables that Application Auto Scaling changes.
type dynamoState struct {
	Tables map[string]*table
	Scaled map[string]bool
}

type table struct {
	Name, ARN         string
	Hash, Range       string
	OnDemand          bool
	Read, Write       int
	MaxRead, MaxWrite int
	Decreases         int
	LastDecrease      time.Time
	At                time.Time // until then it is UPDATING
	Tags              map[string]string
	Replicas          []string
	Items             map[string]*itemCopy
}

// itemCopy is an item as one region has it: from Visible on.
type itemCopy struct {
	Hash, Range string
	Item        json.RawMessage
	Visible     time.Time
}

func newDynamo() dynamoState { return dynamoState{map[string]*table{}, map[string]bool{}} }

func dynamoOperations() map[string]handler {
	return map[string]handler{
		"CreateTable": createTable, "DeleteTable": deleteTable, "DescribeTable": describeTable, "ListTables": listTables, "UpdateTable": updateTable,
		"ListTagsOfResource": listTableTags, "TagResource": tagTable, "UntagResource": untagTable, "PutItem": putItem, "Query": queryItems,
	}
}

func scalingOperations() map[string]handler {
	return map[string]handler{"RegisterScalableTarget": registerScalable, "DescribeScalableTargets": describeScalable}
}

type units struct{ ReadCapacityUnits, WriteCapacityUnits int }

type maxUnits struct{ MaxReadRequestUnits, MaxWriteRequestUnits int }

type tableInput struct {
	TableName               string
	BillingMode             string
	ProvisionedThroughput   *units
	OnDemandThroughput      *maxUnits
	KeySchema               []struct{ AttributeName, KeyType string }
	Tags                    []rdsTag
	ReplicaUpdates          []struct{ Create *struct{ RegionName string } }
	ResourceArn             string
	TagKeys                 []string
	ExclusiveStartTableName string
}

type tableItem struct {
	TableName, TableArn, TableStatus string
	BillingModeSummary               *struct{ BillingMode string } `json:",omitempty"`
	ProvisionedThroughput            struct {
		units
		NumberOfDecreasesToday int
		LastDecreaseDateTime   float64 `json:",omitempty"`
	}
	OnDemandThroughput *maxUnits                     `json:",omitempty"`
	Replicas           []struct{ RegionName string } `json:",omitempty"`
	KeySchema          []struct{ AttributeName, KeyType string }
}

func (t *table) item() tableItem {
	out := tableItem{TableName: t.Name, TableArn: t.ARN, TableStatus: "ACTIVE"}
	if time.Now().Before(t.At) {
		out.TableStatus = "UPDATING"
	}
	out.ProvisionedThroughput.units = units{t.Read, t.Write}
	out.ProvisionedThroughput.NumberOfDecreasesToday = t.Decreases
	if t.Decreases > 0 {
		out.ProvisionedThroughput.LastDecreaseDateTime = float64(t.LastDecrease.Unix())
	}
	if t.OnDemand {
		out.BillingModeSummary = &struct{ BillingMode string }{"PAY_PER_REQUEST"}
		if t.MaxRead > 0 || t.MaxWrite > 0 {
			most := func(n int) int {
				if n <= 0 {
					return -1
				}
				return n
			}
			out.OnDemandThroughput = &maxUnits{most(t.MaxRead), most(t.MaxWrite)}
		}
	}
	for _, r := range t.Replicas {
		out.Replicas = append(out.Replicas, struct{ RegionName string }{r})
	}
	out.KeySchema = append(out.KeySchema, struct{ AttributeName, KeyType string }{t.Hash, "HASH"})
	if t.Range != "" {
		out.KeySchema = append(out.KeySchema, struct{ AttributeName, KeyType string }{t.Range, "RANGE"})
	}
	return out
}

func createTable(c *call) (any, error) {
	var in tableInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if c.state.Dynamo.Tables[in.TableName] != nil {
		return nil, failf("ResourceInUseException", "Table already exists: %s", in.TableName)
	}
	t := &table{
		Name: in.TableName, ARN: "arn:aws:dynamodb:" + c.region + ":" + Account + ":table/" + in.TableName, OnDemand: in.BillingMode == "PAY_PER_REQUEST",
		Tags: map[string]string{}, Items: map[string]*itemCopy{},
	}
	for _, k := range in.KeySchema {
		if k.KeyType == "HASH" {
			t.Hash = k.AttributeName
		} else {
			t.Range = k.AttributeName
		}
	}
	if in.ProvisionedThroughput != nil {
		t.Read, t.Write = in.ProvisionedThroughput.ReadCapacityUnits, in.ProvisionedThroughput.WriteCapacityUnits
	}
	for _, tag := range in.Tags {
		t.Tags[tag.Key] = tag.Value
	}
	c.state.Dynamo.Tables[t.Name] = t
	return struct{ TableDescription tableItem }{t.item()}, nil
}

func (c *call) table(name string) (*table, error) {
	t := c.state.Dynamo.Tables[name]
	if t == nil {
		return nil, failf("ResourceNotFoundException", "Requested resource not found: Table: %s not found", name)
	}
	return t, nil
}

// tableNamed decodes the input and finds the table that it is about, by name or by ARN.
func (c *call) tableNamed(in *tableInput) (*table, error) {
	if err := c.decode(in); err != nil {
		return nil, err
	}
	if in.ResourceArn != "" {
		in.TableName = in.ResourceArn[strings.LastIndex(in.ResourceArn, "/")+1:]
	}
	return c.table(in.TableName)
}

func deleteTable(c *call) (any, error) {
	t, err := c.tableNamed(&tableInput{})
	if err != nil {
		return nil, err
	}
	delete(c.state.Dynamo.Tables, t.Name)
	return struct{ TableDescription tableItem }{t.item()}, nil
}

func describeTable(c *call) (any, error) {
	t, err := c.tableNamed(&tableInput{})
	if err != nil {
		return nil, err
	}
	return struct{ Table tableItem }{t.item()}, nil
}

func listTables(c *call) (any, error) {
	var in tableInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	var names []string
	for _, t := range ordered(c.state.Dynamo.Tables) {
		if t.Name > in.ExclusiveStartTableName {
			names = append(names, t.Name)
		}
	}
	var out struct {
		TableNames             []string
		LastEvaluatedTableName string `json:",omitempty"`
	}
	out.TableNames = names
	if len(names) > 2 {
		out.TableNames, out.LastEvaluatedTableName = names[:2], names[1]
	}
	return out, nil
}

// updateTable lowers a table four times on a day, and then once an hour.
func updateTable(c *call) (any, error) {
	var in tableInput
	t, err := c.tableNamed(&in)
	if err != nil {
		return nil, err
	}
	switch p, d := in.ProvisionedThroughput, in.OnDemandThroughput; {
	case time.Now().Before(t.At):
		return nil, failf("ResourceInUseException", "Attempt to change a resource which is still in use: Table is being updated: %s", t.Name)
	case len(in.ReplicaUpdates) > 0:
		return c.addReplica(t, in.ReplicaUpdates[0].Create.RegionName)
	case p != nil && t.OnDemand || d != nil && !t.OnDemand:
		return nil, failf("ValidationException", "The throughput does not fit the billing mode of the table")
	case p != nil && p.ReadCapacityUnits == t.Read && p.WriteCapacityUnits == t.Write:
		return nil, failf("ValidationException", "The provisioned throughput for the table will not change.")
	case p != nil && (p.ReadCapacityUnits < t.Read || p.WriteCapacityUnits < t.Write):
		if t.Decreases >= 4 && time.Since(t.LastDecrease) < time.Hour {
			return nil, failf("LimitExceededException", "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day.")
		}
		t.Decreases, t.LastDecrease = t.Decreases+1, time.Now()
		t.Read, t.Write = p.ReadCapacityUnits, p.WriteCapacityUnits
	case p != nil:
		t.Read, t.Write = p.ReadCapacityUnits, p.WriteCapacityUnits
	case d != nil:
		t.MaxRead, t.MaxWrite = d.MaxReadRequestUnits, d.MaxWriteRequestUnits
	}
	t.At = c.server.when()
	return struct{ TableDescription tableItem }{t.item()}, nil
}

// addReplica makes the same table in another region, and each a replica of the other.
func (c *call) addReplica(t *table, region string) (any, error) {
	copied := *t
	copied.ARN, copied.Items, copied.Tags = strings.Replace(t.ARN, c.region, region, 1), map[string]*itemCopy{}, map[string]string{}
	t.Replicas, copied.Replicas = append(t.Replicas, region), append(slices.Clone(t.Replicas), c.region)
	c.server.region(region).now.Dynamo.Tables[t.Name] = &copied
	return struct{ TableDescription tableItem }{t.item()}, nil
}

func listTableTags(c *call) (any, error) {
	t, err := c.tableNamed(&tableInput{})
	if err != nil {
		return nil, err
	}
	out := struct{ Tags []rdsTag }{}
	for k, v := range t.Tags {
		out.Tags = append(out.Tags, rdsTag{k, v})
	}
	return out, nil
}

func tagTable(c *call) (any, error) {
	var in tableInput
	t, err := c.tableNamed(&in)
	if err != nil {
		return nil, err
	}
	for _, tag := range in.Tags {
		t.Tags[tag.Key] = tag.Value
	}
	return nil, nil
}

func untagTable(c *call) (any, error) {
	var in tableInput
	t, err := c.tableNamed(&in)
	if err != nil {
		return nil, err
	}
	for _, k := range in.TagKeys {
		delete(t.Tags, k)
	}
	return nil, nil
}

func registerScalable(c *call) (any, error) {
	var in struct{ ResourceId string }
	err := c.decode(&in)
	c.state.Dynamo.Scaled[in.ResourceId] = true
	return nil, err
}

func describeScalable(c *call) (any, error) {
	var in struct{ ResourceIds []string }
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	type item struct{ ServiceNamespace, ResourceId, ScalableDimension string }
	out := struct{ ScalableTargets []item }{}
	for _, id := range in.ResourceIds {
		if c.state.Dynamo.Scaled[id] {
			out.ScalableTargets = append(out.ScalableTargets, item{"dynamodb", id, "dynamodb:table:WriteCapacityUnits"})
		}
	}
	return out, nil
}

// attribute is a value as DynamoDB writes it.
type attribute struct {
	S, N string `json:",omitempty"`
}

func (a attribute) text() string { return a.S + a.N }

// putItem knows one condition: that the item is not there yet.
func putItem(c *call) (any, error) {
	var in struct {
		TableName           string
		Item                json.RawMessage
		ConditionExpression string
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	t, err := c.table(in.TableName)
	if err != nil {
		return nil, err
	}
	var attributes map[string]attribute
	if err := json.Unmarshal(in.Item, &attributes); err != nil {
		return nil, failf("SerializationException", "%v", err)
	}
	hash, rng := attributes[t.Hash].text(), attributes[t.Range].text()
	if hash == "" || t.Range != "" && rng == "" {
		return nil, failf("ValidationException", "One or more parameter values were invalid: Missing the key in the item")
	}
	key := hash + "\x00" + rng
	if strings.HasPrefix(in.ConditionExpression, "attribute_not_exists") && t.Items[key] != nil {
		return nil, failf("ConditionalCheckFailedException", "The conditional request failed")
	}
	t.Items[key] = &itemCopy{hash, rng, in.Item, time.Now()}
	for _, r := range t.Replicas {
		if there := c.server.region(r).now.Dynamo.Tables[t.Name]; there != nil {
			there.Items[key] = &itemCopy{hash, rng, in.Item, c.server.arrives()}
		}
	}
	return nil, nil
}

// queryItems knows one condition: that the partition key has a value. Pages have ten items.
func queryItems(c *call) (any, error) {
	var in struct {
		TableName                 string
		ExpressionAttributeValues map[string]attribute
		ExclusiveStartKey         map[string]attribute
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	t, err := c.table(in.TableName)
	if err != nil {
		return nil, err
	}
	var all []*itemCopy
	for _, i := range t.Items {
		for _, v := range in.ExpressionAttributeValues {
			if i.Hash == v.text() && !i.Visible.After(time.Now()) {
				all = append(all, i)
			}
		}
	}
	number := func(s string) float64 { n, _ := strconv.ParseFloat(s, 64); return n }
	slices.SortFunc(all, func(a, b *itemCopy) int { return int(number(a.Range) - number(b.Range)) })
	out := struct {
		Items            []json.RawMessage
		Count            int
		LastEvaluatedKey map[string]attribute `json:",omitempty"`
	}{Items: []json.RawMessage{}}
	for _, i := range all {
		if start, ok := in.ExclusiveStartKey[t.Range]; ok && number(i.Range) <= number(start.text()) {
			continue
		}
		if len(out.Items) == 10 {
			break
		}
		out.Items = append(out.Items, i.Item)
		out.LastEvaluatedKey = map[string]attribute{t.Hash: {S: i.Hash}, t.Range: {N: i.Range}}
	}
	if len(out.Items) < 10 {
		out.LastEvaluatedKey = nil
	}
	out.Count = len(out.Items)
	return out, nil
}

// Decreases makes a table look as if it had been lowered so often today, just now.
func (s *Server) Decreases(region, name string, n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.region(region).now.Dynamo.Tables[name]
	if t == nil {
		return fmt.Errorf("there is no table %s", name)
	}
	t.Decreases, t.LastDecrease = n, time.Now()
	return nil
}
