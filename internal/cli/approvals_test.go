package cli

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/plan"
)

func TestOnesOwnApprovalIsToldByTheNameBeforeTheAt(t *testing.T) {
	for name, is := range map[string]bool{
		"ada": true, "Ada": true, "ada@example.org": true, "ADA@EXAMPLE.ORG": true,
		"bob": false, "adam@example.org": false, "example.org": false, "bob@ada": false,
	} {
		require.Equal(t, is, own(name, "ada"), name)
	}
	require.True(t, own("ada@example.org", "ada@example.org"))
	require.False(t, own("@example.org", ""), "somebody whose name is not known")

	l := plan.Limit{Addr: "limit.l", Approvals: 2}
	found, err := approvals(t.Context(), nil, l, []string{"ada@example.org", "bob", "bob ", ""}, nil, "ada", time.Now())
	require.ErrorContains(t, err, "limit.l: 2 approvals needed, and there are 1")
	require.Len(t, found, 1)
}
