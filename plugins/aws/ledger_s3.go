package aws

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// s3Ledger has an object for each record, written to one bucket and read back from it or from its replica. All of a record is in the
// object's key, so that listing the keys is reading the records.
type s3Ledger struct{ *provider }

type s3Place struct {
	place
	Bucket string `json:"bucket"`
}

type s3Config struct {
	s3Place
	Prefix string   `json:"prefix"`
	Read   *s3Place `json:"read"`
}

const s3Prefix = "gameday-ledger/"

func (l *s3Ledger) Schema() sdk.Schema {
	bucket := sdk.Attribute{Name: "bucket", Type: sdk.String, Required: true, Doc: "The name of the bucket."}
	return sdk.Schema{
		Doc: "Records are objects in an S3 bucket. With a read block they are read back from another bucket, such as the replica in another region: what S3 had acknowledged and had not replicated is the loss. " +
			"The objects stay, under PREFIX/RUN/, for a lifecycle rule of the bucket to remove.",
		Attributes: append([]sdk.Attribute{
			bucket, {Name: "prefix", Type: sdk.String, Default: s3Prefix, Doc: "What keys begin with. The replication rule has to cover it."},
		}, placeAttributes("Where the bucket is. By default the region of the plugin's block.")...),
		Blocks: []sdk.Block{{Name: "read", Max: 1, Schema: sdk.Schema{
			Doc:        "Where records are read back. By default where they are written.",
			Attributes: append([]sdk.Attribute{bucket}, placeAttributes("Where that bucket is. By default the region of the plugin's block.")...),
		}}},
	}
}

func (l *s3Ledger) config(raw sdk.Request) (s3Config, error) {
	c := s3Config{Prefix: s3Prefix}
	err := raw.Decode(&c)
	if c.Read == nil {
		c.Read = &c.s3Place
	}
	return c, err
}

func (l *s3Ledger) permissions() []need {
	return changing([]string{"arn:{partition}:s3:::*"}, "s3:PutObject", "s3:ListBucket")
}

// permissionsFor are those of one block.
func (l *s3Ledger) permissionsFor(raw json.RawMessage) ([]need, error) {
	c, err := l.config(sdk.Request{Config: raw})
	return append(changing([]string{"arn:{partition}:s3:::" + c.Bucket + "/" + c.Prefix + "*"}, "s3:PutObject"),
		changing([]string{"arn:{partition}:s3:::" + c.Read.Bucket}, "s3:ListBucket")...), err
}

// client speaks to a bucket. What is not AWS finds the bucket in the path, and need not know the SDK's checksums.
func (l *s3Ledger) client(ctx context.Context, where place) (*s3.Client, error) {
	s, err := l.site(ctx, where.Region)
	if err != nil {
		return nil, err
	}
	return s3.NewFromConfig(s.cfg, func(o *s3.Options) {
		o.BaseEndpoint = where.endpoint(o.BaseEndpoint)
		o.UsePathStyle = o.BaseEndpoint != nil
		o.RequestChecksumCalculation = awssdk.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = awssdk.ResponseChecksumValidationWhenRequired
	}), nil
}

// Write puts one object, once.
func (l *s3Ledger) Write(ctx context.Context, req sdk.Request, e sdk.LedgerEntry) (sdk.LedgerAnswer, error) {
	c, err := l.config(req)
	if err != nil {
		return sdk.LedgerAnswer{}, err
	}
	client, err := l.client(ctx, c.place)
	if err != nil {
		return sdk.LedgerAnswer{}, err
	}
	body, err := bodyOf(e)
	if err != nil {
		return sdk.LedgerAnswer{}, err
	}
	_, err = client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &c.Bucket, Key: new(c.under(e.Run) + keyOf(e)), Body: bytes.NewReader(body), ContentType: new("application/json"),
	}, func(o *s3.Options) { o.Retryer = once() })
	promise := fmt.Sprintf("in several zones of the region of the bucket %s", c.Bucket)
	if c.Read.Bucket != c.Bucket {
		promise += fmt.Sprintf("; its replica %s follows later", c.Read.Bucket)
	}
	return answer(err, promise)
}

// Read lists one page of keys.
func (l *s3Ledger) Read(ctx context.Context, req sdk.Request, cursor string) (sdk.LedgerPage, error) {
	c, err := l.config(req)
	if err != nil {
		return sdk.LedgerPage{}, sdk.Final(err)
	}
	client, err := l.client(ctx, c.Read.place)
	if err != nil {
		return sdk.LedgerPage{}, err
	}
	in := &s3.ListObjectsV2Input{Bucket: &c.Read.Bucket, Prefix: new(c.under(req.Run))}
	if cursor != "" {
		in.StartAfter = &cursor
	}
	out, err := client.ListObjectsV2(ctx, in)
	if err != nil {
		return sdk.LedgerPage{}, unreadable("listing the bucket "+c.Read.Bucket, err)
	}
	var page sdk.LedgerPage
	for _, o := range out.Contents {
		key := awssdk.ToString(o.Key)
		e, err := entryOf(req.Run, strings.TrimPrefix(key, c.under(req.Run)))
		if body, errBody := bodyOf(e); err == nil && errBody == nil && int64(len(body)) != awssdk.ToInt64(o.Size) {
			err = fmt.Errorf("it has %d bytes, and was written with %d", awssdk.ToInt64(o.Size), len(body))
		}
		if err != nil {
			page.Strange = append(page.Strange, fmt.Sprintf("%s: %v", key, err))
		} else {
			page.Entries = append(page.Entries, e)
		}
		if awssdk.ToBool(out.IsTruncated) {
			page.Next = key
		}
	}
	return page, nil
}

// under is where the keys of a run begin.
func (c s3Config) under(run string) string {
	return cmp.Or(c.Prefix, s3Prefix) + url.PathEscape(run) + "/"
}

// keyOf sorts by the number of the record.
func keyOf(e sdk.LedgerEntry) string {
	return fmt.Sprintf("%020d-%d-%d", e.Seq, e.Worker, e.Time.UnixNano())
}

func entryOf(run, key string) (sdk.LedgerEntry, error) {
	var nanos int64
	e := sdk.LedgerEntry{Run: run}
	n, err := fmt.Sscanf(key, "%d-%d-%d", &e.Seq, &e.Worker, &nanos)
	e.Time = time.Unix(0, nanos).UTC()
	if n != 3 || err != nil || keyOf(e) != key {
		return e, fmt.Errorf("the key is not one of a record")
	}
	return e, nil
}

func bodyOf(e sdk.LedgerEntry) ([]byte, error) {
	e.Time = e.Time.UTC()
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("writing record %d: %w", e.Seq, err)
	}
	return b, nil
}
