package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// projection keeps a file the same as the Corefile in the ConfigMap coredns, but for what a process on loopback must have
// otherwise: its ports, and how it reaches the API server.
type projection struct {
	client              kubernetes.Interface
	file, kubeconfig    string
	port, health, ready int
}

// start begins to follow the ConfigMap, and returns once the file is there. The result stops it.
func (p projection) start(ctx context.Context) (func(), error) {
	only := fields.OneTermEqualSelector("metadata.name", "coredns")
	lister := cache.NewListWatchFromClient(p.client.CoreV1().RESTClient(), "configmaps", "kube-system", only)
	_, informer := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: lister, ObjectType: &corev1.ConfigMap{},
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc: p.write, UpdateFunc: func(_, now any) { p.write(now) },
		},
	})
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() { defer close(ended); informer.Run(stop) }()
	halt := func() { close(stop); <-ended }
	err := poll(ctx, func(context.Context) error {
		_, err := os.Stat(p.file)
		return err
	})
	if err != nil {
		return halt, errors.Join(err, fmt.Errorf("no ConfigMap coredns in kube-system has come"))
	}
	return halt, nil
}

// write replaces the file in one step. A failure leaves the old one, as a kubelet's would.
func (p projection) write(object any) {
	config, ok := object.(*corev1.ConfigMap)
	if !ok {
		return
	}
	next := p.file + ".next"
	if os.WriteFile(next, []byte(p.adapt(config.Data["Corefile"])), 0o600) == nil {
		_ = os.Rename(next, p.file)
	}
}

var (
	serverBlock     = regexp.MustCompile(`(?m)^(\S.*):53\b(.*)\{[ \t]*$`)
	healthPlugin    = regexp.MustCompile(`(?m)^([ \t]+)health\b`)
	readyPlugin     = regexp.MustCompile(`(?m)^([ \t]+)ready[ \t]*$`)
	metricsPlugin   = regexp.MustCompile(`(?m)^[ \t]+prometheus\b.*\n`)
	kubernetesBlock = regexp.MustCompile(`(?m)^([ \t]+kubernetes\b[^{\n]*)\{[ \t]*$`)
)

func (p projection) adapt(corefile string) string {
	corefile = serverBlock.ReplaceAllString(corefile, fmt.Sprintf("${1}:%d${2}{\n    bind %s", p.port, loopback))
	corefile = healthPlugin.ReplaceAllString(corefile, fmt.Sprintf("${1}health %s:%d", loopback, p.health))
	corefile = readyPlugin.ReplaceAllString(corefile, fmt.Sprintf("${1}ready %s:%d", loopback, p.ready))
	corefile = metricsPlugin.ReplaceAllString(corefile, "")
	corefile = kubernetesBlock.ReplaceAllString(corefile, fmt.Sprintf("${1}{\n        kubeconfig %s", p.kubeconfig))
	return strings.TrimRight(corefile, "\n") + "\n"
}
