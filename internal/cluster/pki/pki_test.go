package pki_test

import (
	"crypto/tls"
	"crypto/x509"
	"testing"

	"github.com/gameday-toolkit/gameday/internal/cluster/pki"
)

func TestAServerAndAClientOfOneAuthorityTrustEachOther(t *testing.T) {
	authority, err := pki.NewAuthority("cluster")
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority.Cert)

	server := issue(t, authority, pki.Subject{Name: "server", Hosts: []string{"127.0.0.1", "kubernetes.default.svc"}})
	for _, host := range []string{"127.0.0.1", "kubernetes.default.svc"} {
		if _, err := server.Verify(x509.VerifyOptions{Roots: pool, DNSName: host}); err != nil {
			t.Errorf("as %s: %v", host, err)
		}
	}
	client := issue(t, authority, pki.Subject{Name: "admin", Groups: []string{"system:masters"}})
	usage := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if _, err := client.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: usage}); err != nil {
		t.Error(err)
	}
	if got := client.Subject.Organization; len(got) != 1 || got[0] != "system:masters" {
		t.Errorf("groups: %v", got)
	}
}

func issue(t *testing.T, authority *pki.Authority, subject pki.Subject) *x509.Certificate {
	t.Helper()
	pair, err := authority.Issue(subject)
	if err != nil {
		t.Fatal(err)
	}
	both, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	return both.Leaf
}
