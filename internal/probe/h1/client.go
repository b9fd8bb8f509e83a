package h1

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// net/http serves a connection with two goroutines of its own and hands each request through four channels. Beside a server
// on the same two cores, at ten thousand requests a second, that is what makes a prober late. Here the goroutine that asks
// writes the request (the same bytes every time), reads the answer with net/http's own parser, and puts the connection
// back. What a connection is, when it may be used again and when a request may be sent twice, is as in net/http.

// Client asks one request. It is safe for use by many goroutines.
type Client struct {
	// Dial connects to the host of the request's URL.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// TLS is used for https.
	TLS *tls.Config

	request   *http.Request
	wire      []byte
	address   string
	keepAlive bool
	pool      pool
}

// New makes a client of a request, with its body. Without keepAlive each question has a connection of its own. It opens
// no connection.
func New(request *http.Request, body []byte, keepAlive bool) (*Client, error) {
	r := request.Clone(context.Background())
	r.Close = !keepAlive
	if len(body) > 0 {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		return nil, fmt.Errorf("writing the request: %w", err)
	}
	c := &Client{request: request, wire: wire.Bytes(), keepAlive: keepAlive, address: request.URL.Host}
	if request.URL.Port() == "" {
		port := map[string]string{"http": "80", "https": "443"}[request.URL.Scheme]
		c.address = net.JoinHostPort(request.URL.Hostname(), port)
	}
	return c, nil
}

// Close drops idle connections.
func (c *Client) Close() { c.pool.close() }

// Ask sends the request and hands the response to use, which says whether it has read the body to its end. It ends with the
// context. The response is use's own only during the call.
func (c *Client) Ask(ctx context.Context, use func(*http.Response) (ended bool, err error)) error {
	for {
		conn := c.pool.get(time.Now())
		reused := conn != nil
		if !reused {
			var err error
			if conn, err = c.connect(ctx); err != nil {
				return err
			}
		}
		again, err := c.exchange(ctx, conn, use)
		if err == nil || !again || !reused || ctx.Err() != nil {
			return err
		}
	}
}

func (c *Client) connect(ctx context.Context) (*conn, error) {
	raw, err := c.Dial(ctx, "tcp", c.address)
	if err != nil {
		return nil, err
	}
	if c.request.URL.Scheme != "https" {
		return newConn(raw, raw), nil
	}
	config := c.TLS.Clone()
	if config.ServerName == "" {
		config.ServerName = c.request.URL.Hostname()
	}
	config.NextProtos = []string{"http/1.1"}
	secure := tls.Client(raw, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, fmt.Errorf("TLS handshake: %w", err)
	}
	return newConn(secure, raw), nil
}

// exchange asks over one connection, and puts it back or closes it. again says that the server closed the connection
// before it saw the request, as far as can be told, and that the request may be sent once more.
func (c *Client) exchange(ctx context.Context, conn *conn, use func(*http.Response) (bool, error)) (again bool, err error) {
	stop := context.AfterFunc(ctx, conn.interrupt)
	keep := false
	defer func() {
		if stop() && keep {
			c.pool.put(conn, time.Now())
			return
		}
		_ = conn.Close()
	}()
	conn.limit.left = maxResponse
	if n, err := conn.Write(c.wire); err != nil {
		return n == 0, fmt.Errorf("sending the request: %w", err)
	}
	if _, err := conn.reader.Peek(1); err != nil {
		return c.idempotent() && !errors.Is(err, os.ErrDeadlineExceeded), fmt.Errorf("waiting for the answer: %w", noEOF(err))
	}
	response, err := readResponse(conn, c.request)
	if err != nil {
		return false, err
	}
	ended, err := use(response)
	keep = c.keepAlive && ended && err == nil && !response.Close && response.StatusCode != http.StatusSwitchingProtocols
	return false, err
}

// readResponse passes over what the server says before its answer (100 Continue, 103 Early Hints).
func readResponse(conn *conn, request *http.Request) (*http.Response, error) {
	for range 10 {
		response, err := http.ReadResponse(conn.reader, request)
		if err != nil {
			return nil, fmt.Errorf("reading the answer: %w", noEOF(err))
		}
		if response.StatusCode >= 200 || response.StatusCode == http.StatusSwitchingProtocols {
			return response, nil
		}
	}
	return nil, errors.New("reading the answer: too many informational responses")
}

// idempotent says whether the request may be sent twice (RFC 9110, section 9.2.2; net/http does so for the same ones).
func (c *Client) idempotent() bool {
	switch c.request.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return c.request.Header.Get("Idempotency-Key") != ""
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
