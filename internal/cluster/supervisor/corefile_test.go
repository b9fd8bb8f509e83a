package supervisor

import (
	"strings"
	"testing"
)

func TestACorefileOfAClusterRunsOnLoopback(t *testing.T) {
	p := projection{port: 5300, health: 5301, ready: 5302, kubeconfig: "/k"}
	got := p.adapt(".:53 {\n    errors\n    health {\n        lameduck 1s\n    }\n    ready\n    prometheus :9153\n" +
		"    kubernetes cluster.local {\n        ttl 5\n    }\n}\nexample.test:53 {\n    errors\n}\n\n")
	want := ".:5300 {\n    bind 127.0.0.1\n    errors\n    health 127.0.0.1:5301 {\n        lameduck 1s\n    }\n" +
		"    ready 127.0.0.1:5302\n    kubernetes cluster.local {\n        kubeconfig /k\n        ttl 5\n    }\n}\n" +
		"example.test:5300 {\n    bind 127.0.0.1\n    errors\n}\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if strings.Contains(p.adapt(string(dnsObjects)), "bind 127.0.0.1\n    bind") {
		t.Error("a block is adapted twice")
	}
}
