package supervisor

import "testing"

func TestNodesHaveNamesAndAddressesOfTheirOwn(t *testing.T) {
	nodes := nodesOf(9, 24)
	if got := zonesOf(nodes); len(got) != 9 || got[0] != "zone-a" || got[8] != "zone-i" {
		t.Errorf("zones: %v", got)
	}
	seen := map[string]string{}
	for _, n := range nodes {
		for _, own := range []string{n.name, n.address(), n.podRange(), n.link(), n.namespace(), n.cgroup()} {
			if other, taken := seen[own]; taken {
				t.Errorf("%s and %s both have %s", n.name, other, own)
			}
			seen[own] = n.name
		}
		if len(n.link()) > 15 {
			t.Errorf("the kernel takes no link named %s", n.link())
		}
	}
}
