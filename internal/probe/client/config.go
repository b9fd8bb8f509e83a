package client

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Duration is a duration as a configuration writes it: "1m30s", or a whole number of nanoseconds.
type Duration time.Duration

// UnmarshalJSON reads either form.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var n int64
	if json.Unmarshal(b, &n) == nil {
		*d = Duration(n)
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("a duration is a string such as \"1m30s\": %w", err)
	}
	v, err := time.ParseDuration(s)
	if err != nil {
		return err
	}
	*d = Duration(v)
	return nil
}

// TLS is the tls block that every kind of client shares.
type TLS struct {
	CAFile     string `json:"ca_file"`
	CertFile   string `json:"cert_file"`
	KeyFile    string `json:"key_file"`
	ServerName string `json:"server_name"`
	Insecure   bool   `json:"insecure"`
}

// TLSBlock describes TLS.
func TLSBlock() sdk.Block {
	return sdk.Block{Name: "tls", Max: 1, Schema: sdk.Schema{
		Doc: "How the connection is secured. The system's certificate authorities are trusted unless ca_file is set.",
		Attributes: []sdk.Attribute{
			{Name: "ca_file", Type: sdk.String, Doc: "PEM file with the certificate authorities to trust instead of the system's"},
			{Name: "cert_file", Type: sdk.String, Doc: "PEM file with the client's certificate"},
			{Name: "key_file", Type: sdk.String, Doc: "PEM file with the key of cert_file"},
			{Name: "server_name", Type: sdk.String, Doc: "Name to ask for and to verify, where it is not the host's"},
			{Name: "insecure", Type: sdk.Bool, Doc: "Do not verify the server's certificate"},
		},
	}}
}

// ResolverAttribute describes the resolver attribute that every kind of client shares.
func ResolverAttribute() sdk.Attribute {
	return sdk.Attribute{Name: "resolver", Type: sdk.String,
		Doc: "DNS server, \"ip:port\", that names are looked up at. Answers are kept for their TTL, as a caching client does. Default: the system's resolver"}
}

// Config reads the files and makes the configuration of crypto/tls. A nil TLS gives the defaults.
func (t *TLS) Config() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if t == nil {
		return c, nil
	}
	c.ServerName, c.InsecureSkipVerify = t.ServerName, t.Insecure
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("reading tls.ca_file: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("reading tls.ca_file: no certificate in %s", t.CAFile)
		}
	}
	if (t.CertFile == "") != (t.KeyFile == "") {
		return nil, errors.New("tls.cert_file and tls.key_file go together")
	}
	if t.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("reading tls.cert_file and tls.key_file: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}
