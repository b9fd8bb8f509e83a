package awsfake

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/aws/smithy-go/encoding/cbor"
)

// protocol is one of AWS's ways to write requests, answers and errors.
type protocol int

const (
	ec2Query protocol = iota // form in, XML out, errors under Response
	query                    // form in, XML out, errors under ErrorResponse
	jsonRPC                  // X-Amz-Target names the operation, JSON in and out
	restJSON                 // method and path name the operation, JSON in and out
	restXML                  // method and path name the operation, XML in and out
	rpcCBOR                  // the path names the operation, CBOR in and out
)

// identify tells the protocol and the operation.
func identify(c *call) (protocol, string) {
	if target := c.request.Header.Get("X-Amz-Target"); target != "" {
		return jsonRPC, target[strings.LastIndex(target, ".")+1:]
	}
	if strings.HasPrefix(c.request.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, err := url.ParseQuery(string(c.body))
		if err != nil {
			form = url.Values{}
		}
		c.form = form
		if c.service == "ec2" {
			return ec2Query, form.Get("Action")
		}
		return query, form.Get("Action")
	}
	if c.request.Header.Get("Smithy-Protocol") == "rpc-v2-cbor" {
		return rpcCBOR, path.Base(c.request.URL.Path)
	}
	if c.service == "s3" {
		return identifyS3(c)
	}
	return identifyREST(c)
}

// identifyREST matches method and path against the routes of the service.
func identifyREST(c *call) (protocol, string) {
	for _, r := range routes()[c.service] {
		if r.method != c.request.Method {
			continue
		}
		if elements, ok := r.match(c.request.URL.EscapedPath()); ok {
			c.pathElements = elements
			return r.protocol, r.op
		}
	}
	return restJSON, c.request.Method + " " + c.request.URL.Path
}

// route is one operation of a REST service; * in the path stands for one element.
type route struct {
	protocol         protocol
	method, path, op string
}

func (r route) match(path string) (stars []string, ok bool) {
	want, have := strings.Split(r.path, "/"), strings.Split(strings.TrimSuffix(path, "/"), "/")
	if len(want) != len(have) {
		return nil, false
	}
	for i, w := range want {
		switch {
		case w == "*":
			element, err := url.PathUnescape(have[i])
			if err != nil {
				return nil, false
			}
			stars = append(stars, element)
		case w != have[i]:
			return nil, false
		}
	}
	return stars, true
}

// namespace is that of a service's answers.
func namespace(service string) string {
	return map[string]string{
		"ec2": "http://ec2.amazonaws.com/doc/2016-11-15/", "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
		"iam": "https://iam.amazonaws.com/doc/2010-05-08/", "autoscaling": "http://autoscaling.amazonaws.com/doc/2011-01-01/",
		"elasticloadbalancing": "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/", "rds": "http://rds.amazonaws.com/doc/2014-10-31/",
		"elasticache": "http://elasticache.amazonaws.com/doc/2015-02-02/", "route53": "https://route53.amazonaws.com/doc/2013-04-01/",
		"s3": "http://s3.amazonaws.com/doc/2006-03-01/", "monitoring": "http://monitoring.amazonaws.com/doc/2010-08-01/",
	}[service]
}

// succeed writes an answer. A REST answer may be a response of its own making.
func (p protocol) succeed(w http.ResponseWriter, c *call, out any) {
	w.Header().Set("X-Amzn-Requestid", c.id)
	var body []byte
	var err error
	switch p {
	case ec2Query:
		body, err = element(c.op+"Response", namespace(c.service), fragment("requestId", c.id), out)
	case query:
		body, err = element(c.op+"Response", namespace(c.service), wrapped{c.op + "Result", out}, fragment("ResponseMetadata>RequestId", c.id))
	case restXML:
		body, err = xml.Marshal(out)
	case rpcCBOR:
		w.Header().Set("Content-Type", "application/cbor")
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		body = cbor.Encode(asCBOR(out))
	default:
		if p == jsonRPC {
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		} else {
			w.Header().Set("Content-Type", "application/json")
		}
		if out == nil {
			out = struct{}{}
		}
		if body, err = json.Marshal(out); c.service == "dynamodb" {
			w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
		}
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if p == ec2Query || p == query || p == restXML {
		w.Header().Set("Content-Type", "text/xml")
	}
	_, _ = w.Write(body)
}

// wrapped is a structure inside an element.
type wrapped struct {
	name string
	v    any
}

// fragment is a text inside one element, or inside two.
func fragment(path, text string) wrapped {
	outer, inner, two := strings.Cut(path, ">")
	if !two {
		return wrapped{outer, text}
	}
	return wrapped{outer, wrapped{inner, text}}
}

// element writes an XML element with the fields of structures, and with wrapped ones, in it.
func element(name, ns string, parts ...any) ([]byte, error) {
	var out bytes.Buffer
	e := xml.NewEncoder(&out)
	start := xml.StartElement{Name: xml.Name{Local: name}}
	if ns != "" {
		start.Attr = []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: ns}}
	}
	if err := e.EncodeToken(start); err != nil {
		return nil, err
	}
	for _, p := range parts {
		if err := inside(e, p); err != nil {
			return nil, err
		}
	}
	if err := e.EncodeToken(start.End()); err != nil {
		return nil, err
	}
	err := e.Flush()
	return out.Bytes(), err
}

func inside(e *xml.Encoder, p any) error {
	w, ok := p.(wrapped)
	if !ok {
		return fields(e, p)
	}
	start := xml.StartElement{Name: xml.Name{Local: w.name}}
	if text, ok := w.v.(string); ok {
		return e.EncodeElement(text, start)
	}
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	if err := inside(e, w.v); err != nil {
		return err
	}
	return e.EncodeToken(start.End())
}

// fields writes the fields of a structure without an element around them.
func fields(e *xml.Encoder, v any) error {
	if v == nil {
		return nil
	}
	var whole bytes.Buffer
	if err := xml.NewEncoder(&whole).EncodeElement(v, xml.StartElement{Name: xml.Name{Local: "whole"}}); err != nil {
		return err
	}
	d := xml.NewDecoder(&whole)
	for depth := 0; ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch token.(type) {
		case xml.StartElement:
			depth++
			if depth == 1 {
				continue
			}
		case xml.EndElement:
			depth--
			if depth == 0 {
				return nil
			}
		}
		if err := e.EncodeToken(xml.CopyToken(token)); err != nil {
			return err
		}
	}
}

func (p protocol) fail(w http.ResponseWriter, c *call, e *Error) {
	w.Header().Set("X-Amzn-Requestid", c.id)
	switch p {
	case ec2Query:
		writeXML(w, e.Status, fmt.Sprintf("<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>%s</RequestID></Response>", e.Code, escape(e.Message), c.id))
	case restXML:
		if c.service == "s3" {
			writeXML(w, e.Status, fmt.Sprintf("<Error><Code>%s</Code><Message>%s</Message><RequestId>%s</RequestId></Error>", e.Code, escape(e.Message), c.id))
			return
		}
		fallthrough
	case query:
		writeXML(w, e.Status, fmt.Sprintf("<ErrorResponse xmlns=%q><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>%s</RequestId></ErrorResponse>",
			namespace(c.service), e.Code, escape(e.Message), c.id))
	case rpcCBOR:
		w.Header().Set("Content-Type", "application/cbor")
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		w.Header().Set("X-Amzn-Query-Error", e.Code+";Sender")
		w.WriteHeader(e.Status)
		_, _ = w.Write(cbor.Encode(asCBOR(tree{"__type": "com.amazonaws.cloudwatch#" + e.Code, "message": e.Message})))
	default:
		w.Header().Set("X-Amzn-Errortype", e.Code)
		w.Header().Set("Content-Type", "application/json")
		body, _ := json.Marshal(map[string]string{"__type": e.Code, "message": e.Message})
		w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
		w.WriteHeader(e.Status)
		_, _ = w.Write(body)
	}
}

func writeXML(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

func escape(s string) string {
	var out bytes.Buffer
	_ = xml.EscapeText(&out, []byte(s))
	return out.String()
}

func (p protocol) json() bool { return p == jsonRPC || p == restJSON }

func (p protocol) throttled() *Error {
	switch {
	case p == ec2Query:
		return &Error{"RequestLimitExceeded", "Request limit exceeded.", http.StatusServiceUnavailable}
	case p.json():
		return &Error{"ThrottlingException", "Rate exceeded", http.StatusBadRequest}
	}
	return &Error{"Throttling", "Rate exceeded", http.StatusBadRequest}
}

func (p protocol) denied(action string) *Error {
	text := fmt.Sprintf("User: arn:aws:iam::%s:user/gameday is not authorized to perform: %s because no identity-based policy allows the action", Account, action)
	switch {
	case p == ec2Query:
		return &Error{"UnauthorizedOperation", "You are not authorized to perform this operation. " + text, http.StatusForbidden}
	case p.json():
		return &Error{"AccessDeniedException", text, http.StatusBadRequest}
	}
	return &Error{"AccessDenied", text, http.StatusForbidden}
}

func (p protocol) expired() *Error {
	switch {
	case p == ec2Query:
		return &Error{"RequestExpired", "Request has expired.", http.StatusBadRequest}
	case p.json():
		return &Error{"ExpiredTokenException", "The security token included in the request is expired", http.StatusBadRequest}
	}
	return &Error{"ExpiredToken", "The security token included in the request is expired", http.StatusForbidden}
}

func (p protocol) unknownKey() *Error {
	switch {
	case p == ec2Query:
		return &Error{"AuthFailure", "AWS was not able to validate the provided access credentials", http.StatusUnauthorized}
	case p.json():
		return &Error{"UnrecognizedClientException", "The security token included in the request is invalid.", http.StatusBadRequest}
	}
	return &Error{"InvalidClientTokenId", "The security token included in the request is invalid.", http.StatusForbidden}
}

func (p protocol) unknownOperation(c *call) *Error {
	if p.json() {
		return &Error{"UnknownOperationException", c.action() + " is not answered here", http.StatusBadRequest}
	}
	return &Error{"InvalidAction", fmt.Sprintf("The action %s is not valid for this web service.", c.action()), http.StatusBadRequest}
}
