package client

import (
	"net/http"
	"time"
)

// HTTP says how requests reach a server.
type HTTP struct {
	Resolver  string
	TLS       *TLS
	KeepAlive bool // false: every request dials anew, and so looks the name up again when its TTL is over
	HTTP2     bool
}

// Transport makes an http.Transport that takes no proxy from the environment (the question is whether users reach the
// service, not whether the proxy does), asks for no compression, and never closes an idle connection for want of room.
// The Dialer is the caller's to close, after the transport's idle connections.
func (h HTTP) Transport() (*http.Transport, *Dialer, error) {
	tlsConfig, err := h.TLS.Config()
	if err != nil {
		return nil, nil, err
	}
	dialer, err := NewDialer(h.Resolver)
	if err != nil {
		return nil, nil, err
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!h.HTTP2)
	protocols.SetHTTP2(h.HTTP2)
	protocols.SetUnencryptedHTTP2(h.HTTP2)
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        tlsConfig,
		Protocols:              protocols,
		DisableKeepAlives:      !h.KeepAlive,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    1 << 16,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 1 << 18,
	}, dialer, nil
}
