package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// requestTimeout bounds one request. It is far below what gameday gives one attempt of a revert, so that an API server that
// does not answer is tried again and again, and does not use up the attempt.
const requestTimeout = 10 * time.Second

// Config says which cluster, and as whom. What is empty is as kubectl would have it.
type Config struct {
	Kubeconfig, Context string
	User                string // to impersonate
	Groups              []string
	QPS                 float32
	Burst               int
}

// Cluster is one cluster.
type Cluster struct {
	// UID identifies the cluster: it is that of the namespace kube-system.
	UID string
	// Server is the URL of the API server, without credentials.
	Server string
	// Context is the name in the kubeconfig; empty inside a cluster.
	Context string
	// Typed reads well-known kinds; Dynamic changes any kind; Watch has no limit to a request, which a watch needs.
	Typed   kubernetes.Interface
	Dynamic dynamic.Interface
	Watch   kubernetes.Interface

	config  Config
	streams *rest.Config // for what has no limit either
}

// The mistakes in a Config that its author can mend.
var (
	ErrNoConfig  = errors.New("there is no kubeconfig")
	ErrNoContext = errors.New("the kubeconfig has no such context")
)

// Connect finds the cluster as kubectl would, and asks for its identity.
func Connect(ctx context.Context, c Config) (*Cluster, error) {
	conf, name, err := load(c)
	if err != nil {
		return nil, err
	}
	out := &Cluster{Server: withoutUser(conf.Host), Context: name, config: c}
	unlimited := rest.CopyConfig(conf)
	conf.Timeout = requestTimeout
	if out.Dynamic, err = dynamic.NewForConfig(conf); err != nil {
		return nil, fmt.Errorf("setting up the client of %s: %w", out.Server, err)
	}
	// Lists of built-in kinds are several times faster in this encoding.
	conf.ContentType, conf.AcceptContentTypes = "application/vnd.kubernetes.protobuf", "application/vnd.kubernetes.protobuf,application/json"
	if out.Typed, err = kubernetes.NewForConfig(conf); err != nil {
		return nil, fmt.Errorf("setting up the client of %s: %w", out.Server, err)
	}
	if out.Watch, err = kubernetes.NewForConfig(unlimited); err != nil {
		return nil, fmt.Errorf("setting up the client of %s: %w", out.Server, err)
	}
	out.streams = unlimited
	return out, out.identify(ctx)
}

func load(c Config) (*rest.Config, string, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = c.Kubeconfig
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: c.Context})
	raw, err := loader.RawConfig()
	if err != nil {
		return nil, "", fmt.Errorf("reading the kubeconfig: %w", err)
	}
	name := raw.CurrentContext
	if c.Context != "" {
		if _, ok := raw.Contexts[c.Context]; !ok {
			return nil, "", fmt.Errorf("%w as %q", ErrNoContext, c.Context)
		}
		name = c.Context
	}
	conf, err := loader.ClientConfig()
	switch {
	case clientcmd.IsEmptyConfig(err):
		return nil, "", ErrNoConfig
	case err != nil:
		return nil, "", fmt.Errorf("reading the kubeconfig: %w", err)
	}
	conf.QPS, conf.Burst = c.QPS, c.Burst
	conf.UserAgent = "gameday"
	conf.WarningHandler = rest.NoWarnings{}
	if c.User != "" {
		conf.Impersonate = rest.ImpersonationConfig{UserName: c.User, Groups: c.Groups}
	}
	return conf, name, nil
}

func (c *Cluster) identify(ctx context.Context) error {
	ctx, cancel := Reading(ctx)
	defer cancel()
	ns, err := c.Typed.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("asking %s for the identity of its cluster: %w", c.Server, c.Explain(err))
	}
	c.UID = string(ns.UID)
	return nil
}

// withoutUser takes a user name and a password out of a URL.
func withoutUser(host string) string {
	u, err := url.Parse(host)
	if err != nil {
		return "the API server"
	}
	u.User = nil
	return u.String()
}
