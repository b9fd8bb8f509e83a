package aws_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/plugins/aws"
	"github.com/gameday-toolkit/gameday/plugins/aws/internal/awsfake"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
	"github.com/gameday-toolkit/gameday/plugins/sdk/conformance"
)

func (w *world) s3(region, endpoint string) *s3.Client {
	return s3.NewFromConfig(w.cfg, func(o *s3.Options) {
		o.Region, o.UsePathStyle = region, true
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
	})
}

// bucket is one in a region, or at an endpoint of its own.
func (w *world) bucket(ctx context.Context, region, endpoint string) (string, error) {
	name := fmt.Sprintf("gameday-test-%d-%d", time.Now().UnixNano(), serial.Add(1))
	in := &s3.CreateBucketInput{Bucket: &name}
	if region != "us-east-1" {
		in.CreateBucketConfiguration = &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(region)}
	}
	client := w.s3(region, endpoint)
	_, err := client.CreateBucket(ctx, in)
	w.later(func(ctx context.Context) error {
		for {
			page, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &name})
			if err != nil {
				return err
			}
			for _, o := range page.Contents {
				if _, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &name, Key: o.Key}); err != nil {
					return err
				}
			}
			if len(page.Contents) == 0 {
				_, err := client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &name})
				return err
			}
		}
	})
	return name, err
}

// abroad is another region than that of the plugin's block.
const abroad = "eu-west-1"

// replicated is a bucket, and its replica in another region.
func (w *world) replicated(t *testing.T) (here, there string) {
	t.Helper()
	ctx := t.Context()
	here, err := w.bucket(ctx, w.region, "")
	require.NoError(t, err)
	there, err = w.bucket(ctx, abroad, "")
	require.NoError(t, err)
	_, err = w.s3(w.region, "").PutBucketReplication(ctx, &s3.PutBucketReplicationInput{Bucket: &here, ReplicationConfiguration: &s3types.ReplicationConfiguration{
		Role:  new("arn:aws:iam::123456789012:role/replication"),
		Rules: []s3types.ReplicationRule{{Status: s3types.ReplicationRuleStatusEnabled, Destination: &s3types.Destination{Bucket: new("arn:aws:s3:::" + there)}}},
	}})
	require.NoError(t, err)
	return here, there
}

func config(format string, args ...any) json.RawMessage { return fmt.Appendf(nil, format, args...) }

func (w *world) ledgerConforms(t *testing.T, kind string, c json.RawMessage) {
	t.Helper()
	s := conformance.Subject{
		New: aws.New, Config: w.config(nil), Timeout: w.patience(),
		Ledgers: []conformance.LedgerCase{{Ledger: kind, Setup: func(context.Context) (sdk.Request, error) { return sdk.Request{Config: c}, nil }}},
	}
	if elsewhere == "" {
		s.Binary = binary(t)
	}
	requireConforms(t, s)
}

func TestS3LedgerConforms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	name, err := w.bucket(t.Context(), w.region, "")
	w.skipUnimplemented(t, err)
	require.NoError(t, err)
	w.ledgerConforms(t, "aws_s3", config(`{"bucket":%q}`, name))
	if w.fake != nil {
		here, there := w.replicated(t)
		w.fake.Replicate(200 * time.Millisecond)
		w.ledgerConforms(t, "aws_s3", config(`{"bucket":%q,"prefix":"a/b","read":{"bucket":%q,"region":%q}}`, here, there, abroad))
	}
}

// An S3 that is not of our making, with more records than a page of its lists has.
func TestS3LedgerOnAnIndependentServer(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	server := httptest.NewServer(gofakes3.New(s3mem.New()).Server())
	t.Cleanup(server.Close)
	name, err := w.bucket(t.Context(), w.region, server.URL)
	require.NoError(t, err)
	c := config(`{"bucket":%q,"endpoint_url":%q,"read":{"bucket":%q,"endpoint_url":%q}}`, name, server.URL, name, server.URL)
	w.ledgerConforms(t, "aws_s3", c)

	l := w.plugin(t, nil)
	req := sdk.Request{Run: "many", ID: "ledger.aws_s3.x", Config: c}
	const many = 1200
	var all sync.WaitGroup
	for worker := range uint16(4) {
		all.Go(func() {
			for n := worker; n < many; n += 4 {
				a, err := l.Write(t.Context(), "aws_s3", req, sdk.LedgerEntry{Run: "many", Seq: uint64(n), Worker: worker, Time: time.Now()})
				if err != nil || a.Outcome != sdk.LedgerOK {
					t.Errorf("record %d: %v %v", n, a, err)
				}
			}
		})
	}
	all.Wait()
	_, err = w.s3(w.region, server.URL).PutObject(t.Context(), &s3.PutObjectInput{Bucket: &name, Key: new("gameday-ledger/many/0-of-somebody-else")})
	require.NoError(t, err)
	got, strange, pages := readBack(t, l, "aws_s3", req)
	require.Len(t, got, many)
	require.Greater(t, pages, 1)
	require.Equal(t, []string{"gameday-ledger/many/0-of-somebody-else: the key is not one of a record"}, strange)
	_, err = l.Read(t.Context(), "aws_s3", sdk.Request{Run: "many", ID: "x", Config: config(`{"bucket":"gone","endpoint_url":%q}`, server.URL)}, "")
	require.ErrorIs(t, err, sdk.ErrFinal)
}

// readBack reads all pages.
func readBack(t *testing.T, l *sdk.Local, kind string, req sdk.Request) (got map[uint64]sdk.LedgerEntry, strange []string, pages int) {
	t.Helper()
	got = map[uint64]sdk.LedgerEntry{}
	for cursor := ""; ; {
		page, err := l.Read(t.Context(), kind, req, cursor)
		require.NoError(t, err)
		pages++
		strange = append(strange, page.Strange...)
		for _, e := range page.Entries {
			require.NotContains(t, got, e.Seq)
			got[e.Seq] = e
		}
		if cursor = page.Next; cursor == "" {
			return got, strange, pages
		}
	}
}

// globalTable is a table with a replica in another region.
func (w *world) globalTable(t *testing.T) string {
	t.Helper()
	table, err := w.table(t.Context(), onDemand)
	require.NoError(t, err)
	_, err = w.dynamodb().UpdateTable(t.Context(), &dynamodb.UpdateTableInput{TableName: &table.Name, ReplicaUpdates: []dynamotypes.ReplicationGroupUpdate{
		{Create: &dynamotypes.CreateReplicationGroupMemberAction{RegionName: new(abroad)}},
	}})
	require.NoError(t, err)
	return table.Name
}

func TestDynamoDBLedgerConforms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	table, err := w.table(t.Context(), onDemand)
	w.skipUnimplemented(t, err)
	require.NoError(t, err)
	w.ledgerConforms(t, "aws_dynamodb", config(`{"table":%q}`, table.Name))
	if w.fake != nil {
		global := w.globalTable(t)
		w.fake.Replicate(200 * time.Millisecond)
		w.ledgerConforms(t, "aws_dynamodb", config(`{"table":%q,"read":{"region":%q}}`, global, abroad))
	}
}

// What replication had not delivered when it was cut is what is lost: as much as it lags behind, at the rate of the writes.
func TestLossIsLagTimesRate(t *testing.T) {
	t.Parallel()
	const (
		lag      = 600 * time.Millisecond
		interval = 10 * time.Millisecond
		records  = 150
	)
	for kind, make := range map[string]func(*testing.T, *world) json.RawMessage{
		"aws_s3": func(t *testing.T, w *world) json.RawMessage {
			here, there := w.replicated(t)
			return config(`{"bucket":%q,"read":{"bucket":%q,"region":%q}}`, here, there, abroad)
		},
		"aws_dynamodb": func(t *testing.T, w *world) json.RawMessage {
			return config(`{"table":%q,"read":{"region":%q}}`, w.globalTable(t), abroad)
		},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := fakeOnly(t)
			w.fake.Replicate(lag)
			req := sdk.Request{Run: "rpo", ID: "ledger." + kind + ".x", Config: make(t, w)}
			l := w.plugin(t, nil)
			acked := map[uint64]time.Time{}
			tick := time.NewTicker(interval)
			defer tick.Stop()
			for n := range uint64(records) {
				<-tick.C
				a, err := l.Write(t.Context(), kind, req, sdk.LedgerEntry{Run: "rpo", Seq: n, Time: time.Now()})
				require.NoError(t, err)
				require.Equal(t, sdk.LedgerOK, a.Outcome)
				require.NotEmpty(t, a.Promise)
				acked[n] = time.Now()
			}
			w.fake.CutReplication()
			at := time.Now()
			w.fake.Down(w.region, awsfake.Refuses)

			got, _, _ := readBack(t, l, kind, req)
			require.Equal(t, w.fake.Lost(), len(acked)-len(got), "the truth of the fake")
			expected := 0
			for n, when := range acked {
				if _, found := got[n]; !found {
					require.Less(t, at.Sub(when), lag+interval)
				}
				if at.Sub(when) < lag {
					expected++
				}
			}
			require.InDelta(t, expected, len(acked)-len(got), 5)
			require.NotZero(t, expected)

			w.fake.Up(w.region)
			w.fake.MendReplication()
			got, _, _ = readBack(t, l, kind, req)
			require.Len(t, got, len(acked), "what arrives later was never lost")
		})
	}
}

// An outcome is a promise: only what was surely not stored is called so.
func TestLedgerOutcomes(t *testing.T) {
	t.Parallel()
	for kind, action := range map[string]string{"aws_s3": "s3:PutObject", "aws_dynamodb": "dynamodb:PutItem"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := fakeOnly(t)
			l := w.plugin(t, nil)
			block := `"bucket":"nowhere"`
			if kind == "aws_dynamodb" {
				table, err := w.table(t.Context(), onDemand)
				require.NoError(t, err)
				block = fmt.Sprintf(`"table":%q`, table.Name)
			} else {
				name, err := w.bucket(t.Context(), w.region, "")
				require.NoError(t, err)
				block = fmt.Sprintf(`"bucket":%q`, name)
			}
			n := uint64(0)
			write := func(ctx context.Context, more string) (sdk.LedgerAnswer, error) {
				n++
				return l.Write(ctx, kind, sdk.Request{Run: "r", ID: "ledger.x", Config: config(`{%s%s}`, block, more)}, sdk.LedgerEntry{Run: "r", Seq: n, Time: time.Now()})
			}
			once := func(does func()) {
				t.Helper()
				before := len(w.fake.Calls(action))
				does()
				require.Len(t, w.fake.Calls(action), before+1, "an attempt is made once")
			}
			fails := func(more, says string) {
				t.Helper()
				a, err := write(t.Context(), more)
				require.NoError(t, err)
				require.Equal(t, sdk.LedgerFail, a.Outcome)
				require.Contains(t, a.Detail, says)
			}
			once(func() {
				a, err := write(t.Context(), "")
				require.NoError(t, err)
				require.Equal(t, sdk.LedgerOK, a.Outcome)
			})

			w.fake.Throttle(action, 1)
			once(func() { fails("", "hrottl") })
			w.fake.Deny(action)
			once(func() { fails("", "may not do "+action) })
			w.fake.Allow()
			w.fake.Expire(true)
			once(func() { fails("", "expired") })
			w.fake.Expire(false)
			fails(`,"endpoint_url":"http://127.0.0.1:1"`, "refused")

			w.fake.Fail(action, 0, awsError("InternalError", 500))
			once(func() {
				_, err := write(t.Context(), "")
				require.ErrorContains(t, err, "InternalError", "it may have been stored")
			})
			w.fake.Fail(action, 0, awsError("SlowDown", 503))
			once(func() { fails("", "SlowDown") })
			w.fake.Heal()
			w.fake.Down(w.region, awsfake.Hangs)
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			began := time.Now()
			_, err := write(ctx, "")
			require.Error(t, err)
			require.Less(t, time.Since(began), 3*time.Second, "a client that gives up is not kept waiting")
			w.fake.Down(w.region, awsfake.Refuses)
			_, err = write(t.Context(), "")
			require.Error(t, err, "the connection broke after the request was sent")
			w.fake.Up(w.region)
		})
	}
}

// A record that is there already is not written again.
func TestDynamoDBLedgerWritesOnce(t *testing.T) {
	t.Parallel()
	w := fakeOnly(t)
	table, err := w.table(t.Context(), onDemand)
	require.NoError(t, err)
	l := w.plugin(t, nil)
	req := sdk.Request{Run: "r", ID: "ledger.x", Config: config(`{"table":%q}`, table.Name)}
	e := sdk.LedgerEntry{Run: "r", Seq: 7, Time: time.Now()}
	for _, want := range []sdk.LedgerOutcome{sdk.LedgerOK, sdk.LedgerFail} {
		a, err := l.Write(t.Context(), "aws_dynamodb", req, e)
		require.NoError(t, err)
		require.Equal(t, want, a.Outcome)
	}
	_, err = w.dynamodb().PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table.Name, Item: map[string]dynamotypes.AttributeValue{
		"run": &dynamotypes.AttributeValueMemberS{Value: "r"}, "seq": &dynamotypes.AttributeValueMemberN{Value: "8"},
	}})
	require.NoError(t, err)
	got, strange, _ := readBack(t, l, "aws_dynamodb", req)
	require.Len(t, got, 1)
	require.Len(t, strange, 1)
	_, err = l.Read(t.Context(), "aws_dynamodb", sdk.Request{Run: "r", ID: "x", Config: config(`{"table":"gone"}`)}, "")
	require.ErrorIs(t, err, sdk.ErrFinal)
}

// The policy of a ledger is about its bucket and its table, and about nothing else.
func TestThePolicyOfALedgerIsTheLeast(t *testing.T) {
	t.Parallel()
	got := allowed(t, sdk.DocumentRequest{
		Scenario: "region", Plugins: []sdk.DocumentPlugin{{Config: config(`{"region":"us-east-1","accounts":["123456789012"]}`)}},
		Blocks: []sdk.DocumentBlock{
			{Kind: "ledger", Type: "aws_s3", ID: "ledger.aws_s3.x", Config: config(`{"bucket":"here","read":{"bucket":"there","region":"eu-west-1"}}`)},
			{Kind: "ledger", Type: "aws_dynamodb", ID: "ledger.aws_dynamodb.x", Config: config(`{"table":"orders","read":{"region":"eu-west-1"}}`)},
		},
	})
	require.Equal(t, []string{"arn:aws:s3:::here/gameday-ledger/*"}, got["s3:PutObject"])
	require.Equal(t, []string{"arn:aws:s3:::there"}, got["s3:ListBucket"])
	require.Equal(t, []string{"arn:aws:dynamodb:us-east-1:123456789012:table/orders"}, got["dynamodb:PutItem"])
	require.Equal(t, []string{"arn:aws:dynamodb:eu-west-1:123456789012:table/orders"}, got["dynamodb:Query"])
}
