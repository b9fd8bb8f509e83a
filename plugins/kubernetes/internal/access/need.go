package access

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	authn "k8s.io/api/authentication/v1"
	authz "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gameday-toolkit/gameday/plugins/kubernetes/internal/cluster"
)

// Need is one permission.
type Need struct {
	Verb, Group, Resource, Subresource string
	// Namespace is empty for kinds without namespaces, and for every namespace.
	Namespace string
	// Name is empty for every object.
	Name string
}

// On are needs for several verbs on a kind.
func On(k cluster.Kind, namespace, name string, verbs ...string) (out []Need) {
	for _, v := range verbs {
		out = append(out, Need{Verb: v, Group: k.Group, Resource: k.Resource, Namespace: namespace, Name: name})
	}
	return out
}

func (n Need) resource() string {
	if n.Subresource != "" {
		return n.Resource + "/" + n.Subresource
	}
	return n.Resource
}

// String is such as patch deployments.apps web in shop.
func (n Need) String() string {
	out := n.Verb + " " + n.resource()
	if n.Group != "" {
		out += "." + n.Group
	}
	if n.Name != "" {
		out += " " + n.Name
	}
	if n.Namespace != "" {
		out += " in " + n.Namespace
	}
	return out
}

// Covers says whether whoever may do n may do other.
func (n Need) Covers(other Need) bool {
	return n.Verb == other.Verb && n.Group == other.Group && n.Resource == other.Resource && n.Subresource == other.Subresource &&
		(n.Namespace == "" || n.Namespace == other.Namespace) && (n.Name == "" || n.Name == other.Name)
}

// Subject is somebody else than the one who asks.
type Subject struct {
	User   string
	Groups []string
}

// ErrUnknown says that whoever asks may not know what somebody else may do.
var ErrUnknown = errors.New("this user may not ask what others may do")

// Checker asks the API server what may be done, and remembers what may.
type Checker struct {
	cluster *cluster.Cluster
	subject *Subject // nil for the one who asks
	mu      sync.Mutex
	may     map[Need]bool
}

// NewChecker makes a Checker for a cluster.
func NewChecker(c *cluster.Cluster) *Checker { return &Checker{cluster: c, may: map[Need]bool{}} }

// NewCheckerOf makes a Checker of what somebody else may do. Its answer is ErrUnknown where that cannot be asked.
func NewCheckerOf(c *cluster.Cluster, s Subject) *Checker {
	return &Checker{cluster: c, subject: &s, may: map[Need]bool{}}
}

// concurrently is how many questions are on their way at a time.
const concurrently = 8

// Missing are those of the needs that are not met.
func (c *Checker) Missing(ctx context.Context, needs []Need) ([]Need, error) {
	needs = c.unknown(needs)
	errs := make([]error, len(needs))
	denied := make([]bool, len(needs))
	var all sync.WaitGroup
	slots := make(chan struct{}, concurrently)
	for i, n := range needs {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			may, err := c.ask(ctx, n)
			denied[i], errs[i] = !may, err
		})
	}
	all.Wait()
	var out []Need
	for i, n := range needs {
		if denied[i] {
			out = append(out, n)
		}
	}
	return out, errors.Join(errs...)
}

// unknown are those of the needs that are not known to be met, each once.
func (c *Checker) unknown(needs []Need) []Need {
	c.mu.Lock()
	defer c.mu.Unlock()
	needs = slices.DeleteFunc(slices.Clone(needs), func(n Need) bool { return c.may[n] })
	slices.SortFunc(needs, compare)
	return slices.Compact(needs)
}

func compare(a, b Need) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Group, b.Group), cmp.Compare(a.Resource, b.Resource),
		cmp.Compare(a.Subresource, b.Subresource), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Verb, b.Verb))
}

func (c *Checker) ask(ctx context.Context, n Need) (bool, error) {
	ctx, cancel := cluster.Reading(ctx)
	defer cancel()
	allowed, err := c.review(ctx, &authz.ResourceAttributes{
		Verb: n.Verb, Group: n.Group, Resource: n.Resource, Subresource: n.Subresource, Namespace: n.Namespace, Name: n.Name,
	})
	switch {
	case apierrors.IsForbidden(err) && c.subject != nil:
		return false, ErrUnknown
	case err != nil:
		return false, fmt.Errorf("asking whether %s may %s: %w", c.who(), n, c.cluster.Explain(err))
	}
	if allowed {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.may[n] = true
	}
	return allowed, nil
}

func (c *Checker) who() string {
	if c.subject != nil {
		return c.subject.User
	}
	return "this user"
}

func (c *Checker) review(ctx context.Context, what *authz.ResourceAttributes) (bool, error) {
	api, once := c.cluster.Typed.AuthorizationV1(), metav1.CreateOptions{}
	if c.subject == nil {
		review, err := api.SelfSubjectAccessReviews().Create(ctx, &authz.SelfSubjectAccessReview{Spec: authz.SelfSubjectAccessReviewSpec{ResourceAttributes: what}}, once)
		if err != nil {
			return false, err
		}
		return review.Status.Allowed, nil
	}
	review, err := api.SubjectAccessReviews().Create(ctx, &authz.SubjectAccessReview{
		Spec: authz.SubjectAccessReviewSpec{ResourceAttributes: what, User: c.subject.User, Groups: c.subject.Groups},
	}, once)
	if err != nil {
		return false, err
	}
	return review.Status.Allowed, nil
}

// WhoAmI is the user that the API server sees.
func (c *Checker) WhoAmI(ctx context.Context) string {
	ctx, cancel := cluster.Reading(ctx)
	defer cancel()
	review, err := c.cluster.Typed.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authn.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return "this user"
	}
	return review.Status.UserInfo.Username
}

// List is a list of needs for people.
func List(needs []Need) string {
	var out []string
	for _, n := range needs {
		out = append(out, n.String())
	}
	return strings.Join(out, ", ")
}
