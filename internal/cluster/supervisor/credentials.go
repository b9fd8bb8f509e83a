package supervisor

import (
	"fmt"
	"os"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/gameday-toolkit/gameday/internal/cluster/pki"
)

// credentials are the certificates and kubeconfigs of a cluster, on disk.
type credentials struct {
	layout    layout
	authority *pki.Authority
	server    string // URL of the API server
}

func newCredentials(l layout, server string) (*credentials, error) {
	authority, err := pki.NewAuthority("gameday-cluster")
	if err != nil {
		return nil, err
	}
	c := &credentials{layout: l, authority: authority, server: server}
	if err := c.write("ca.crt", authority.Cert); err != nil {
		return nil, err
	}
	if err := c.write("ca.key", authority.Key); err != nil {
		return nil, err
	}
	signing, err := pki.SigningKey()
	if err != nil {
		return nil, err
	}
	if err := c.write("sa.pub", signing.Cert); err != nil {
		return nil, err
	}
	return c, c.write("sa.key", signing.Key)
}

func (c *credentials) path(name string) string { return c.layout.file("pki", name) }

func (c *credentials) write(name string, content []byte) error {
	if err := os.WriteFile(c.path(name), content, 0o600); err != nil {
		return fmt.Errorf("writing a credential: %w", err)
	}
	return nil
}

// pair issues a certificate and writes NAME.crt and NAME.key.
func (c *credentials) pair(name string, subject pki.Subject) error {
	pair, err := c.authority.Issue(subject)
	if err != nil {
		return err
	}
	if err := c.write(name+".crt", pair.Cert); err != nil {
		return err
	}
	return c.write(name+".key", pair.Key)
}

// kubeconfig issues a client certificate and writes a kubeconfig that needs no other file.
func (c *credentials) kubeconfig(path string, subject pki.Subject) error {
	pair, err := c.authority.Issue(subject)
	if err != nil {
		return err
	}
	config := api.NewConfig()
	config.Clusters["gameday"] = &api.Cluster{Server: c.server, CertificateAuthorityData: c.authority.Cert}
	config.AuthInfos[subject.Name] = &api.AuthInfo{ClientCertificateData: pair.Cert, ClientKeyData: pair.Key}
	config.Contexts["gameday"] = &api.Context{Cluster: "gameday", AuthInfo: subject.Name, Namespace: "default"}
	config.CurrentContext = "gameday"
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		return fmt.Errorf("writing the kubeconfig of %s: %w", subject.Name, err)
	}
	return os.Chmod(path, 0o600)
}
