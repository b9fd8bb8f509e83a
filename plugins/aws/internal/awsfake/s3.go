package awsfake

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// s3State is what S3 keeps for a region.
type s3State struct{ Buckets map[string]*bucket }

type bucket struct {
	Name    string
	To      []string // the buckets that it is replicated to
	Objects map[string]*object
}

// object is one as its bucket has it: from Visible on.
type object struct {
	Body    []byte
	Visible time.Time
}

func newS3() s3State { return s3State{map[string]*bucket{}} }

// identifyS3 takes the path apart: a bucket, and a key that may have any number of slashes. The query names the operation.
func identifyS3(c *call) (protocol, string) {
	name, key, _ := strings.Cut(strings.TrimPrefix(c.request.URL.Path, "/"), "/")
	c.pathElements = []string{name, key}
	about := "Bucket"
	if key != "" {
		about = "Object"
	}
	q := c.request.URL.Query()
	for _, kind := range []string{"replication", "versioning"} {
		if q.Has(kind) {
			about += " " + kind
		}
	}
	if q.Get("list-type") == "2" {
		return restXML, "ListObjectsV2"
	}
	op := map[string]string{
		"PUT Bucket": "CreateBucket", "DELETE Bucket": "DeleteBucket", "PUT Bucket replication": "PutBucketReplication", "PUT Bucket versioning": "PutBucketVersioning",
		"PUT Object": "PutObject", "DELETE Object": "DeleteObject",
	}[c.request.Method+" "+about]
	return restXML, op
}

func s3Operations() map[string]handler {
	return map[string]handler{
		"CreateBucket": createBucket, "DeleteBucket": deleteBucket, "PutBucketReplication": replicateBucket,
		"PutBucketVersioning": func(*call) (any, error) { return nothing{}, nil },
		"PutObject":           putObject, "DeleteObject": deleteObject, "ListObjectsV2": listObjects,
	}
}

// nothing is an answer without a body.
type nothing struct{}

func (nothing) MarshalXML(*xml.Encoder, xml.StartElement) error { return nil }

func createBucket(c *call) (any, error) {
	for _, r := range c.server.regions {
		if r.now.S3.Buckets[c.pathElements[0]] != nil {
			return nil, &Error{"BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.", http.StatusConflict}
		}
	}
	c.state.S3.Buckets[c.pathElements[0]] = &bucket{Name: c.pathElements[0], Objects: map[string]*object{}}
	return nothing{}, nil
}

// bucket finds one in the region that the request was signed for.
func (c *call) bucket() (*bucket, error) {
	if b := c.state.S3.Buckets[c.pathElements[0]]; b != nil {
		return b, nil
	}
	for _, r := range c.server.regions {
		if r.now.S3.Buckets[c.pathElements[0]] != nil {
			return nil, &Error{"PermanentRedirect", "The bucket you are attempting to access must be addressed using the specified endpoint.", http.StatusMovedPermanently}
		}
	}
	return nil, &Error{"NoSuchBucket", "The specified bucket does not exist", http.StatusNotFound}
}

func deleteBucket(c *call) (any, error) {
	b, err := c.bucket()
	if err != nil {
		return nil, err
	}
	if len(b.Objects) > 0 {
		return nil, &Error{"BucketNotEmpty", "The bucket you tried to delete is not empty", http.StatusConflict}
	}
	delete(c.state.S3.Buckets, b.Name)
	return nothing{}, nil
}

func replicateBucket(c *call) (any, error) {
	b, err := c.bucket()
	if err != nil {
		return nil, err
	}
	var in struct {
		Rules []struct {
			Bucket string `xml:"Destination>Bucket"`
		} `xml:"Rule"`
	}
	if err := xml.Unmarshal(c.body, &in); err != nil {
		return nil, failf("MalformedXML", "%v", err)
	}
	for _, r := range in.Rules {
		b.To = append(b.To, r.Bucket[strings.LastIndex(r.Bucket, ":")+1:])
	}
	return nothing{}, nil
}

func putObject(c *call) (any, error) {
	b, err := c.bucket()
	if err != nil {
		return nil, err
	}
	key := c.pathElements[1]
	b.Objects[key] = &object{c.body, time.Now()}
	for _, to := range b.To {
		for _, r := range c.server.regions {
			if there := r.now.S3.Buckets[to]; there != nil {
				there.Objects[key] = &object{c.body, c.server.arrives()}
			}
		}
	}
	return nothing{}, nil
}

func deleteObject(c *call) (any, error) {
	b, err := c.bucket()
	if err == nil {
		delete(b.Objects, c.pathElements[1])
	}
	return nothing{}, err
}

type objectItem struct {
	Key, ETag    string
	Size         int
	LastModified time.Time
}

type objectList struct {
	XMLName     xml.Name `xml:"ListBucketResult"`
	Name        string
	KeyCount    int
	IsTruncated bool
	Next        string       `xml:"NextContinuationToken,omitempty"`
	Contents    []objectItem `xml:"Contents"`
}

// listObjects has ten keys on a page.
func listObjects(c *call) (any, error) {
	b, err := c.bucket()
	if err != nil {
		return nil, err
	}
	q := c.request.URL.Query()
	most := 10
	if n, err := strconv.Atoi(q.Get("max-keys")); err == nil {
		most = min(most, n)
	}
	out := objectList{Name: b.Name}
	after := max(q.Get("start-after"), q.Get("continuation-token"))
	for _, key := range slices.Sorted(maps.Keys(b.Objects)) {
		o := b.Objects[key]
		if !strings.HasPrefix(key, q.Get("prefix")) || key <= after || o.Visible.After(time.Now()) {
			continue
		}
		if len(out.Contents) == most {
			out.IsTruncated, out.Next = true, out.Contents[most-1].Key
			break
		}
		sum := md5.Sum(o.Body)
		out.Contents = append(out.Contents, objectItem{key, `"` + hex.EncodeToString(sum[:]) + `"`, len(o.Body), o.Visible.UTC()})
	}
	out.KeyCount = len(out.Contents)
	return out, nil
}
