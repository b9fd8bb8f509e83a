package kubernetes

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/access"
	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

func budgetNeeds(namespace string) []access.Need {
	return access.On(cluster.PodDisruptionBudgets, namespace, "", "list")
}

// breach is a PodDisruptionBudget that allows fewer disruptions than there would be.
type breach struct {
	budget         string
	allowed, taken int
}

func (b breach) String() string {
	return fmt.Sprintf("the PodDisruptionBudget %s allows %d of its pods to be missing from now on, and this takes %d: %d too many", b.budget, b.allowed, b.taken, b.taken-b.allowed)
}

// breaches finds the budgets that would not be kept if the pods were taken away at once.
func (s *session) breaches(ctx context.Context, pods []corev1.Pod) (out []breach, err error) {
	byNamespace := map[string][]corev1.Pod{}
	var namespaces []string
	for _, p := range pods {
		if byNamespace[p.Namespace] == nil {
			namespaces = append(namespaces, p.Namespace)
		}
		byNamespace[p.Namespace] = append(byNamespace[p.Namespace], p)
	}
	for _, ns := range namespaces {
		err := cluster.Pages(ctx, "", func(ctx context.Context, o metav1.ListOptions) (string, error) {
			page, err := s.cluster.Typed.PolicyV1().PodDisruptionBudgets(ns).List(ctx, o)
			if err != nil {
				return "", fmt.Errorf("listing the PodDisruptionBudgets of %s: %w", ns, s.cluster.Explain(err))
			}
			for _, b := range page.Items {
				taken, err := takenFrom(b, byNamespace[ns])
				if err != nil {
					return "", err
				}
				if allowed := int(b.Status.DisruptionsAllowed); taken > allowed {
					out = append(out, breach{budget: ns + "/" + b.Name, allowed: allowed, taken: taken})
				}
			}
			return page.Continue, nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// takenFrom counts the healthy pods that a budget is about.
func takenFrom(b policy.PodDisruptionBudget, pods []corev1.Pod) (n int, err error) {
	selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
	if err != nil {
		return 0, fmt.Errorf("reading the selector of the PodDisruptionBudget %s/%s: %w", b.Namespace, b.Name, err)
	}
	for _, p := range pods {
		if selector.Matches(labels.Set(p.Labels)) && podReady(p) {
			n++
		}
	}
	return n, nil
}

// ignoreAttribute lets a fault break budgets.
func ignoreAttribute(what string) sdk.Attribute {
	return sdk.Attribute{Name: "ignore_disruption_budgets", Type: sdk.Bool, Default: false, Doc: what}
}

// budgetProblems says which budgets would be broken, as an error or, where that is asked for, as effects.
func budgetProblems(breaches []breach, ignore bool) (problems []sdk.Problem, effects []string) {
	for _, b := range breaches {
		if ignore {
			effects = append(effects, "against its will: "+b.String())
			continue
		}
		problems = append(problems, problem("targets", sentence(fmt.Errorf("%s", b)), "Choose fewer pods, or set ignore_disruption_budgets = true."))
	}
	return problems, effects
}
