package awsfake

import "slices"

func iamOperations() map[string]handler {
	return map[string]handler{"SimulatePrincipalPolicy": simulatePrincipalPolicy}
}

type evaluation struct {
	EvalActionName, EvalResourceName, EvalDecision string
}

type simulation struct {
	EvaluationResults []evaluation `xml:"EvaluationResults>member"`
	IsTruncated       bool
	Marker            string `xml:",omitempty"`
}

// simulatePrincipalPolicy knows what the knobs deny.
func simulatePrincipalPolicy(c *call) (any, error) {
	var all []evaluation
	for _, action := range c.list("ActionNames.member") {
		decision := "allowed"
		if slices.Contains(c.server.knobs.denied, action) {
			decision = "implicitDeny"
		}
		all = append(all, evaluation{action, "*", decision})
	}
	some, next, err := page(all, c.str("Marker"), c.num("MaxItems", 100))
	return simulation{some, next != "", next}, err
}
