package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// dynamoLedger has an item for each record, written in one region and read back there or from the replica in another.
type dynamoLedger struct{ *provider }

type dynamoPlace struct {
	place
	Table string `json:"table"`
}

type dynamoConfig struct {
	dynamoPlace
	PartitionKey string      `json:"partition_key"`
	SortKey      string      `json:"sort_key"`
	Read         *dynamoRead `json:"read"`
}

type dynamoRead struct{ place }

func (l *dynamoLedger) Schema() sdk.Schema {
	return sdk.Schema{
		Doc: "Records are items of a DynamoDB table, which exists: its partition key is a string and holds the run, its sort key is a number and holds the record's. With a read block they are read back in another region of " +
			"a global table: what DynamoDB had acknowledged and had not replicated is the loss. A record is written only if it is not there. Reads are strongly consistent in their region. " +
			"The items stay, for whoever owns the table to remove.",
		Attributes: append([]sdk.Attribute{
			{Name: "table", Type: sdk.String, Required: true, Doc: "The name of the table."},
			{Name: "partition_key", Type: sdk.String, Default: "run", Doc: "The table's partition key."},
			{Name: "sort_key", Type: sdk.String, Default: "seq", Doc: "The table's sort key."},
		}, placeAttributes("Where records are written. By default the region of the plugin's block.")...),
		Blocks: []sdk.Block{{Name: "read", Max: 1, Schema: sdk.Schema{
			Doc:        "Where records are read back. By default where they are written.",
			Attributes: placeAttributes("The region of the replica. By default that of the plugin's block."),
		}}},
	}
}

func (l *dynamoLedger) config(req sdk.Request) (dynamoConfig, error) {
	c := dynamoConfig{PartitionKey: "run", SortKey: "seq"}
	if err := req.Decode(&c); err != nil {
		return c, err
	}
	for _, k := range []string{c.PartitionKey, c.SortKey} {
		if k == "worker" || k == "time" {
			return c, fmt.Errorf("the key %q is what the ledger calls something else: use a table with other keys", k)
		}
	}
	if c.Read == nil {
		c.Read = &dynamoRead{c.place}
	}
	return c, nil
}

func (l *dynamoLedger) permissions() []need {
	return changing([]string{"arn:{partition}:dynamodb:*:{account}:table/*"}, "dynamodb:PutItem", "dynamodb:Query")
}

// permissionsFor are those of one block.
func (l *dynamoLedger) permissionsFor(raw json.RawMessage) ([]need, error) {
	c, err := l.config(sdk.Request{Config: raw})
	on := func(region string) []string {
		if region == "" {
			region = "{region}"
		}
		return []string{"arn:{partition}:dynamodb:" + region + ":{account}:table/" + c.Table}
	}
	return append(changing(on(c.Region), "dynamodb:PutItem"), changing(on(c.Read.Region), "dynamodb:Query")...), err
}

// Write puts one item that is not there, once.
func (l *dynamoLedger) Write(ctx context.Context, req sdk.Request, e sdk.LedgerEntry) (sdk.LedgerAnswer, error) {
	c, err := l.config(req)
	if err != nil {
		return sdk.LedgerAnswer{}, err
	}
	s, err := l.site(ctx, c.Region)
	if err != nil {
		return sdk.LedgerAnswer{}, err
	}
	_, err = s.dynamodb().PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &c.Table, Item: c.itemOf(e), ConditionExpression: new("attribute_not_exists(#p)"), ExpressionAttributeNames: map[string]string{"#p": c.PartitionKey},
	}, c.place.dynamo, func(o *dynamodb.Options) { o.Retryer = once() })
	return answer(err, fmt.Sprintf("in several zones of %s; replicas of the table %s in other regions follow later, unless its consistency is strong across regions", s.region, c.Table))
}

func (p place) dynamo(o *dynamodb.Options) { o.BaseEndpoint = p.endpoint(o.BaseEndpoint) }

func (c dynamoConfig) itemOf(e sdk.LedgerEntry) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		c.PartitionKey: &types.AttributeValueMemberS{Value: e.Run},
		c.SortKey:      &types.AttributeValueMemberN{Value: strconv.FormatUint(e.Seq, 10)},
		"worker":       &types.AttributeValueMemberN{Value: strconv.Itoa(int(e.Worker))},
		"time":         &types.AttributeValueMemberS{Value: e.Time.UTC().Format(time.RFC3339Nano)},
	}
}

// Read queries one page of the run. The cursor is the number of the last record before it.
func (l *dynamoLedger) Read(ctx context.Context, req sdk.Request, cursor string) (sdk.LedgerPage, error) {
	c, err := l.config(req)
	if err != nil {
		return sdk.LedgerPage{}, sdk.Final(err)
	}
	s, err := l.site(ctx, c.Read.Region)
	if err != nil {
		return sdk.LedgerPage{}, err
	}
	in := &dynamodb.QueryInput{
		TableName: &c.Table, ConsistentRead: new(true), KeyConditionExpression: new("#p = :r"), ExpressionAttributeNames: map[string]string{"#p": c.PartitionKey},
		ExpressionAttributeValues: map[string]types.AttributeValue{":r": &types.AttributeValueMemberS{Value: req.Run}},
	}
	if cursor != "" {
		in.ExclusiveStartKey = map[string]types.AttributeValue{
			c.PartitionKey: &types.AttributeValueMemberS{Value: req.Run}, c.SortKey: &types.AttributeValueMemberN{Value: cursor},
		}
	}
	out, err := s.dynamodb().Query(ctx, in, c.Read.dynamo)
	if err != nil {
		return sdk.LedgerPage{}, unreadable("querying the table "+c.Table, err)
	}
	var page sdk.LedgerPage
	for _, i := range out.Items {
		e, err := c.entryOf(req.Run, i)
		if err != nil {
			page.Strange = append(page.Strange, err.Error())
			continue
		}
		page.Entries = append(page.Entries, e)
	}
	if last, ok := out.LastEvaluatedKey[c.SortKey].(*types.AttributeValueMemberN); ok {
		page.Next = last.Value
	}
	return page, nil
}

func (c dynamoConfig) entryOf(run string, item map[string]types.AttributeValue) (sdk.LedgerEntry, error) {
	e := sdk.LedgerEntry{Run: run}
	number := func(name string, bits int) (uint64, error) {
		n, ok := item[name].(*types.AttributeValueMemberN)
		if !ok {
			return 0, fmt.Errorf("an item of the run has no number %s", name)
		}
		return strconv.ParseUint(n.Value, 10, bits)
	}
	seq, errSeq := number(c.SortKey, 64)
	worker, errWorker := number("worker", 16)
	text, ok := item["time"].(*types.AttributeValueMemberS)
	if !ok {
		return e, errors.Join(errSeq, errWorker, errors.New("an item of the run has no time"))
	}
	at, errTime := time.Parse(time.RFC3339Nano, text.Value)
	e.Seq, e.Worker, e.Time = seq, uint16(worker), at
	return e, errors.Join(errSeq, errWorker, errTime)
}
