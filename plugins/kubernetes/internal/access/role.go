package access

import (
	"fmt"
	"slices"
	"strings"

	rbac "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// Manifest writes the smallest roles that meet the needs, ready for kubectl apply: a Role for each namespace, and a ClusterRole for
// what is in none or in all of them.
func Manifest(name string, needs []Need) (string, error) {
	needs = slices.Clone(needs)
	slices.SortFunc(needs, compare)
	needs = slices.Compact(needs)
	var docs []string
	for len(needs) > 0 {
		namespace := needs[0].Namespace
		n := slices.IndexFunc(needs, func(n Need) bool { return n.Namespace != namespace })
		if n < 0 {
			n = len(needs)
		}
		b, err := yaml.Marshal(role(name, namespace, rules(needs[:n])))
		if err != nil {
			return "", fmt.Errorf("writing the role %s: %w", name, err)
		}
		docs = append(docs, string(b))
		needs = needs[n:]
	}
	return strings.Join(docs, "---\n"), nil
}

// shown is a role without what kubectl does not need to be told.
type shown struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   map[string]string `json:"metadata"`
	Rules      []rbac.PolicyRule `json:"rules"`
}

func role(name, namespace string, rules []rbac.PolicyRule) shown {
	out := shown{APIVersion: rbac.SchemeGroupVersion.String(), Kind: "ClusterRole", Metadata: map[string]string{"name": name}, Rules: rules}
	if namespace != metav1.NamespaceAll {
		out.Kind, out.Metadata["namespace"] = "Role", namespace
	}
	return out
}

// rules has one rule for the needs that differ only in the verb, and then one for those that differ only in the name or in the
// resource. Needs are sorted.
func rules(needs []Need) (out []rbac.PolicyRule) {
	for i := 0; i < len(needs); {
		n := needs[i]
		rule := rbac.PolicyRule{APIGroups: []string{n.Group}, Resources: []string{n.resource()}}
		if n.Name != "" {
			rule.ResourceNames = []string{n.Name}
		}
		for ; i < len(needs) && needs[i].resource() == n.resource() && needs[i].Group == n.Group && needs[i].Name == n.Name; i++ {
			rule.Verbs = append(rule.Verbs, needs[i].Verb)
		}
		out = join(out, rule)
	}
	return out
}

func join(rules []rbac.PolicyRule, next rbac.PolicyRule) []rbac.PolicyRule {
	for i := range rules {
		r := &rules[i]
		if !slices.Equal(r.APIGroups, next.APIGroups) || !slices.Equal(r.Verbs, next.Verbs) {
			continue
		}
		sameNames, sameResources := slices.Equal(r.ResourceNames, next.ResourceNames), slices.Equal(r.Resources, next.Resources)
		switch {
		case sameNames:
			r.Resources = append(r.Resources, next.Resources...)
			return rules
		case sameResources && len(r.ResourceNames) > 0 && len(next.ResourceNames) > 0:
			r.ResourceNames = append(r.ResourceNames, next.ResourceNames...)
			return rules
		}
	}
	return append(rules, next)
}
